/** Why a device should be asked before it fetches much; absent when it need not be. */
export type Thrift = 'metered' | 'low-battery';

const BATTERY_LOW = 0.3;
const BATTERY_WAIT_MS = 300;

/** The parts of two interfaces that not every browser has, and TypeScript does not know. */
type Connection = EventTarget & { readonly saveData?: boolean; readonly type?: string };
type Battery = EventTarget & { readonly charging: boolean; readonly level: number };
type Device = {
  readonly connection?: Connection;
  readonly getBattery?: () => Promise<Battery>;
};

/** Network Information API §6, Battery Status API §6: whether either asks for thrift. */
export function thriftOf(
  connection: Pick<Connection, 'saveData' | 'type'> | undefined,
  battery: Pick<Battery, 'charging' | 'level'> | undefined,
): Thrift | undefined {
  if (connection?.saveData === true || connection?.type === 'cellular') return 'metered';
  if (battery !== undefined && !battery.charging && battery.level < BATTERY_LOW) {
    return 'low-battery';
  }
  return undefined;
}

let battery: Battery | undefined;
let isBatteryAsked = false;

async function readBattery(device: Device): Promise<Battery | undefined> {
  if (isBatteryAsked) return battery;
  isBatteryAsked = true;
  // A browser may have the name and refuse the deed (Chromium outside of secure contexts).
  const asked = device.getBattery?.().catch(() => undefined);
  // The start of the node waits for this: a browser that never answers counts as plugged in.
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, BATTERY_WAIT_MS));
  battery = await Promise.race([asked, late]);
  return battery;
}

/** Whether this device should be asked before it fetches the whole state, and why. */
export async function readThrift(): Promise<Thrift | undefined> {
  const device = navigator as Device; // Both members are optional, as they are in browsers.
  return thriftOf(device.connection, await readBattery(device));
}

/** Calls back when the answer of {@link readThrift} may have changed; returns what ends it. */
export function watchThrift(changed: () => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const device = navigator as Device; // As above.
  device.connection?.addEventListener('change', changed, { signal });
  void readBattery(device).then((found) => {
    if (signal.aborted) return;
    found?.addEventListener('chargingchange', changed, { signal });
    found?.addEventListener('levelchange', changed, { signal });
  });
  return () => stop.abort();
}
