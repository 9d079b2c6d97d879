import { formatHex } from '../../base/index.ts';
import { useValidatorNames } from '../hooks/validators.ts';
import styles from './Links.module.css';
import { Seal } from './Seal.tsx';

/** Who proposed or voted: name and seal, or the beginning of the key. */
export function ValidatorName({ publicKey }: { readonly publicKey: Uint8Array }) {
  const name = useValidatorNames()(publicKey);
  if (publicKey.every((byte) => byte === 0)) return <span>Genesis</span>;
  return (
    <span className={styles.validator}>
      <Seal bytes={publicKey} size={20} />
      {name ?? `${formatHex(publicKey).slice(0, 8)}…`}
    </span>
  );
}
