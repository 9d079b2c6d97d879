import { Redirect, useParams } from 'wouter';
import { parseHex } from '../../base/index.ts';
import type { Hash } from '../../sdk/index.ts';
import { TrustSign } from '../entities/TrustSign.tsx';
import { parseSearch, shortHash } from '../format/text.ts';
import { useAsk } from '../hooks/ask.ts';
import { useLive } from '../hooks/live.ts';
import { LinkButton } from '../parts/Button.tsx';
import { Empty, Waiting } from '../parts/Notice.tsx';
import { PageHead } from '../parts/Panel.tsx';

/** Finds out what a text names, and goes there. */
export default function SearchPage() {
  const { text = '' } = useParams<{ text: string }>();
  const target = parseSearch(decoded(text));
  if (target.kind === 'height') return <Redirect to={`/block/${target.height}`} replace />;
  if (target.kind === 'address') return <Redirect to={`/account/${target.text}`} replace />;
  if (target.kind === 'hash') return <ByHash hex={target.hex} />;
  return <Nothing text={target.text} />;
}

/** The router leaves `%23` and its like as they are: it decodes whole addresses, not parts. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A lone `%` that the person typed.
  }
}

function ByHash({ hex }: { readonly hex: string }) {
  const parsed = parseHex(hex);
  const hash = (parsed.ok ? parsed.value : new Uint8Array(32)) as Hash; // 64 digits: 32 bytes.
  const transaction = useAsk('transaction.status', { id: hash });
  const block = useAsk('block.get', { hash, isHeaderOnly: true });
  if (transaction.value !== undefined && transaction.value.stage !== 'unknown') {
    return <Redirect to={`/tx/${hex}`} replace />;
  }
  if (block.value !== undefined) {
    return <Redirect to={`/block/${block.value.header.height}`} replace />;
  }
  if (transaction.isAsking || block.isAsking) {
    return (
      <>
        <PageHead title="Search" />
        <Waiting>Looking for it…</Waiting>
      </>
    );
  }
  return <Nothing text={shortHash(hex)} />;
}

function Nothing({ text }: { readonly text: string }) {
  // Peers that name nothing prove nothing: only a chain that was executed here can tell.
  const trust = useLive(({ status }) =>
    status?.source === 'chain' ? status.trust : ('reported' as const),
  );
  return (
    <>
      <PageHead title="Nothing found" />
      <Empty action={<LinkButton href="/explorer">Explorer</LinkButton>}>
        <TrustSign trust={trust} /> No block, transaction or account of this network is called “
        {text}”.
      </Empty>
    </>
  );
}
