import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { ensureChromium } from '../../deploy/chromium.mjs';
import { killBrowser } from '../../deploy/processes.ts';

/** What the virtual authenticator pretends to be. */
export type Device = 'platform' | 'security-key';

/**
 * Somebody with a browser of their own: a separate browser process and profile. Incognito contexts
 * will not do: their storage is slow, and lost.
 */
export type Person = {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly profile: string;
  /** Errors of page and console so far; an honest journey leaves none. */
  readonly errors: readonly string[];
  /** Plugs in a device with fresh, or the given, credentials; returns its handle. */
  plug(device: Device, credentials?: readonly Credential[]): Promise<Authenticator>;
  /** Ends the browser as a crash would. */
  kill(): Promise<void>;
  close(): Promise<void>;
};

/** A credential as the DevTools protocol exports it. */
export type Credential = {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
};

export type Authenticator = {
  credentials(): Promise<readonly Credential[]>;
  /** Makes the next prompts fail as if the person had turned away. */
  refuse(isRefusing: boolean): Promise<void>;
  /** Makes the next prompts wait for a touch that does not come. */
  hold(isHolding: boolean): Promise<void>;
  unplug(): Promise<void>;
};

/** Opens a browser at `url`. Pass `profile` to come back to what an earlier one stored. */
export async function openPerson(
  url: string,
  options: {
    readonly profile?: string;
    readonly viewport?: { readonly width: number; readonly height: number };
    readonly colorScheme?: 'light' | 'dark';
    /** Language and notation of the browser. */
    readonly locale?: string;
    /** What the camera sees: a Y4M file, see `camera.ts`. */
    readonly camera?: string;
  } = {},
): Promise<Person> {
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'tabellion-profile-')));
  // Found or installed by the configuration; absent when a script is run by hand.
  const executablePath = process.env.TABELLION_CHROMIUM ?? (await ensureChromium());
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-quic', '--disable-background-networking'],
      ...(options.camera === undefined
        ? []
        : [
            '--use-fake-device-for-media-stream',
            `--use-file-for-fake-video-capture=${options.camera}`,
          ]),
    ],
    viewport: options.viewport ?? { width: 1280, height: 860 },
    colorScheme: options.colorScheme ?? 'light',
    locale: options.locale ?? 'en-GB',
    timezoneId: 'UTC',
    permissions: [
      ...['clipboard-read', 'clipboard-write'],
      ...(options.camera === undefined ? [] : ['camera']),
    ],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable', { enableUI: false });
  await page.goto(url);

  return {
    context,
    page,
    profile,
    errors,
    plug: (device, credentials) => plug(session, device, credentials ?? []),
    async kill() {
      await killBrowser(profile);
      await context.close().catch(() => undefined); // Nobody is there to answer.
    },
    async close() {
      await context.close();
      if (options.profile === undefined) await rm(profile, { recursive: true, force: true });
    },
  };
}

async function plug(
  session: CDPSession,
  device: Device,
  credentials: readonly Credential[],
): Promise<Authenticator> {
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: device === 'platform' ? 'internal' : 'usb',
      hasResidentKey: device === 'platform',
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  for (const credential of credentials) {
    await session.send('WebAuthn.addCredential', { authenticatorId, credential });
  }
  return {
    credentials: async () =>
      (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    async refuse(isRefusing) {
      await session.send('WebAuthn.setUserVerified', {
        authenticatorId,
        isUserVerified: !isRefusing,
      });
    },
    async hold(isHolding) {
      await session.send('WebAuthn.setAutomaticPresenceSimulation', {
        authenticatorId,
        enabled: !isHolding,
      });
    },
    unplug: () =>
      session
        .send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
        .then(() => undefined),
  };
}
