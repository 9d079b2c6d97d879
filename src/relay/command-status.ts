import type { Json } from '../base/index.ts';
import { formatHex, TabellionError } from '../base/index.ts';
import { createClient, formatAddress, httpTransport, parseAddress } from '../sdk/index.ts';
import { formatAmount } from './amounts.ts';
import type { Output } from './output.ts';

/** `tabellion status`: of the node, or of one account. */
export async function showStatus(
  rpc: string,
  address: string | undefined,
  output: Output,
): Promise<void> {
  const client = createClient(httpTransport(rpc));
  try {
    if (address === undefined) await showNode(client, output);
    else await showAccount(client, address, output);
  } finally {
    client.close();
  }
}

type Client = ReturnType<typeof createClient>;

async function showNode(client: Client, output: Output): Promise<void> {
  const [chain, status] = await Promise.all([
    client.call('chain.info', {}),
    client.call('node.status', {}),
  ]);
  const value: Json = {
    network: chain.name,
    chainId: formatHex(chain.chainId),
    stage: status.stage,
    height: status.head.height,
    targetHeight: status.targetHeight,
    hash: formatHex(status.head.hash),
    peers: status.peers,
    pendingTransactions: status.pendingTransactions,
    version: status.version,
  };
  output.result(
    [
      `Network  ${chain.name} (${formatHex(chain.chainId).slice(0, 16)}…)`,
      `Stage    ${status.stage}`,
      `Height   ${status.head.height} of ${status.targetHeight}`,
      `Peers    ${status.peers}`,
      `Pending  ${status.pendingTransactions}`,
    ].join('\n'),
    value,
  );
}

async function showAccount(client: Client, text: string, output: Output): Promise<void> {
  const address = parseAddress(text);
  if (!address.ok) throw new TabellionError(address.error.code);
  const account = await client.call('account.get', { address: address.value });
  const balances = account.balances.map(({ symbol, amount, decimals }) => ({
    symbol,
    amount: formatAmount(amount, decimals),
  }));
  output.result(
    [
      `Account  ${formatAddress(account.address)}`,
      `Sequence ${account.sequence}`,
      ...balances.map(({ symbol, amount }) => `Balance  ${amount} ${symbol}`),
      `As of    block ${account.height}, ${account.trust} by that node`,
    ].join('\n'),
    { sequence: account.sequence, height: account.height, trust: account.trust, balances },
  );
}
