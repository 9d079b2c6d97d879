import { Link } from 'wouter';
import { formatHex } from '../../base/index.ts';
import { isNative, useAsset } from '../hooks/assets.ts';
import type { AssetId } from '../hooks/client.ts';
import styles from './Links.module.css';

/** An asset, by its name; two assets may share a name, so the beginning of the id is there. */
export function AssetLink({ asset }: { readonly asset: AssetId }) {
  const facts = useAsset(asset);
  const hex = formatHex(asset);
  if (isNative(asset)) return <span>{facts?.name ?? 'Native coin'}</span>;
  return (
    <Link href={`/asset/${hex}`} className={styles.link} title={hex}>
      {facts?.name ?? 'Asset'} ({hex.slice(0, 6)})
    </Link>
  );
}
