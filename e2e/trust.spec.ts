import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import { figuresWithoutTrust } from '../src/ui/harness/audit.ts';
import type { Harness } from './support/harness.ts';
import { startHarness } from './support/harness.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { createAccount } from './support/steps.ts';

// Situations that no honest network gets into, played by a pretended node: what people see of
// them, and that no figure on any screen is without the sign of what it stands on.

const ID = '5a'.repeat(32);
const PAGES = [
  '/',
  '/send',
  '/receive',
  '/contacts',
  '/explorer',
  '/block/48200',
  `/tx/${ID}`,
  '/account/ADDRESS',
  `/asset/${ID}`,
  '/network',
  '/node',
  '/settings',
  '/settings/keys',
  '/sign-in',
  '/more',
] as const;
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 860 };

let harness: Harness;
let person: Person;
let address = '';

test.beforeAll(async () => {
  test.setTimeout(180_000);
  harness = await startHarness();
  person = await openPerson(harness.url);
  await person.plug('platform');
  address = await createAccount(person, 'Anna', 'platform');
});

test.afterAll(async () => {
  await person?.close();
  await harness?.stop();
});

async function open(state: string, path: string): Promise<Page> {
  const { page } = person;
  await page.goto(`${harness.url}${path.replace('ADDRESS', address)}?state=${state}`);
  await expect(page.locator('main h1').first()).toBeVisible();
  const strip = page.getByRole('region', { name: 'State of this node' });
  await expect(strip).not.toContainText('Starting');
  return page;
}

/** Answers are drawn one after another: what is looked at has settled. */
async function untilAnswered(page: Page): Promise<void> {
  await expect(page.getByText(/^(Reading|Checking|Looking)/)).toHaveCount(0);
}

function stripOf(page: Page) {
  return page.getByRole('region', { name: 'State of this node' });
}

for (const state of ['following', 'saver', 'pruned']) {
  test(`every figure of every page says what it stands on (${state})`, async () => {
    for (const path of PAGES) {
      const page = await open(state, path);
      await untilAnswered(page);
      expect(await page.evaluate(figuresWithoutTrust), path).toEqual([]);
    }
  });
}

test('the audit finds a figure that lost its sign', async () => {
  const page = await open('following', '/account/ADDRESS');
  await untilAnswered(page);
  await page.evaluate(() => {
    for (const sign of document.querySelectorAll('main [data-trust-sign]')) sign.remove();
  });
  const found = await page.evaluate(figuresWithoutTrust);
  expect(found.some((text) => text.includes('1,204.50'))).toBe(true);
});

test('a sign that promises more than a figure deserves does not speak for it', async () => {
  const page = await open('following', '/account/ADDRESS');
  await untilAnswered(page);
  await page.evaluate(() => {
    const figure = document.querySelector('main section [data-trust="validated"] [data-trust]');
    figure?.setAttribute('data-trust', 'reported');
  });
  expect(await page.evaluate(figuresWithoutTrust)).not.toEqual([]);
});

test('the sheet says on what the outcome was simulated', async () => {
  for (const [state, words] of [
    ['saver', 'simulated on proven state at #'],
    ['following', 'simulated on validated state at #'],
  ] as const) {
    const page = await open(state, '/send');
    await page.getByLabel('Amount').fill('20');
    await page.getByLabel('To', { exact: true }).fill('Ben');
    await page.getByRole('button', { name: 'Review' }).click();
    const sheet = page.getByRole('dialog');
    await expect(sheet.getByTestId('clear-text')).toContainText(words);
    await expect(sheet.getByRole('button', { name: 'Sign with key' })).toBeEnabled();
    expect(await page.evaluate(figuresWithoutTrust), state).toEqual([]);
  }
});

test('two certified blocks of one height are an alarm, with evidence to keep', async () => {
  const page = await open('alarm', '/node');
  await expect(stripOf(page)).toContainText('Conflict');
  const alarm = page.getByRole('alert').filter({ hasText: 'Two different blocks are certified' });
  await expect(alarm).toContainText('#48,205');
  await expect(alarm).toContainText('Sending is paused');
  const downloading = page.waitForEvent('download');
  await alarm.getByRole('button', { name: 'Export the evidence' }).click();
  const text = await readFile(await (await downloading).path(), 'utf8');
  const { alarms } = JSON.parse(text) as { alarms: { height: number; first: string }[] };
  expect(alarms).toHaveLength(1);
  expect(alarms[0]?.height).toBe(48_205);
  expect(alarms[0]?.first).toMatch(/^[0-9a-f]{1800}$/);
  // Only whoever has kept the evidence may go on, and says so twice.
  await alarm.getByRole('button', { name: 'Trust newer blocks again' }).click();
  await expect(alarm).toBeVisible();
  await alarm.getByRole('button', { name: 'Really trust them again' }).click();
  await expect(alarm).toBeHidden();
  await open('alarm', '/send');
  await expect(page.getByRole('button', { name: 'Review' })).toBeDisabled();
  await expect(page.getByText('Two different blocks are certified. Sending')).toBeVisible();
});

test('one host alone stays Reported, and that is said on every screen', async () => {
  const page = await open('alone', '/');
  await expect(stripOf(page)).toContainText('Reported');
  await expect(page.getByTestId('balance')).toContainText('Reported');
  await expect(page.getByText('Only one host answers')).toBeVisible();
});

test('peers that prove nothing are not followed, and the figure stays what it was', async () => {
  const page = await open('unproven', '/node');
  await expect(page.getByText('No peer proves what it says')).toBeVisible();
  await expect(stripOf(page)).toContainText('Reported');
  expect(await page.evaluate(figuresWithoutTrust)).toEqual([]);
});

test('trust that ran out stops sending and says why', async () => {
  const page = await open('expired', '/');
  await expect(page.getByText('Trust has run out')).toBeVisible();
  await open('expired', '/send');
  await expect(page.getByRole('button', { name: 'Review' })).toBeDisabled();
  await open('expired', '/node');
  await page.getByRole('button', { name: 'Switch to Balanced' }).click();
  await expect(page.getByRole('radio', { name: 'Balanced' })).toBeChecked();
  await expect(page.getByRole('link', { name: 'Reset on the Node page' })).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem('tabellion.mode'))).toBe('full');
});

test('a checkpoint from somebody trusted renews trust that ran out, by keys alone', async () => {
  const page = await open('expired', '/');
  const notice = page.getByText('Trust has run out');
  await expect(notice).toBeVisible();
  const field = page.getByLabel('Checkpoint from somebody you trust');
  for (let presses = 0; presses < 60; presses++) {
    if (await field.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press('Tab');
  }
  await expect(field).toBeFocused();
  // What is no checkpoint is told at once, and nobody is asked.
  await page.keyboard.type('48,000');
  await page.keyboard.press('Enter');
  await expect(field).toHaveAccessibleDescription(/This is no checkpoint/);
  await expect(field).toHaveAttribute('aria-invalid', 'true');
  // A block that no peer has changes nothing.
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(`48190:${'00'.repeat(32)}`);
  await page.keyboard.press('Enter');
  await expect(page.getByText('No peer shows this block')).toBeVisible();
  await expect(field).toBeFocused();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(` 48190:${ID.toUpperCase()} `);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Trust this block' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(notice).toBeHidden();
  await expect(stripOf(page)).toContainText('Proven');
  await expect(page.getByTestId('balance')).toContainText('Proven');
  expect(await page.evaluate(figuresWithoutTrust)).toEqual([]);
});

test('on the Node page there is one field for a checkpoint, also when trust ran out', async () => {
  const page = await open('expired', '/node');
  await expect(page.getByText('Trust has run out').first()).toBeVisible();
  await expect(page.getByRole('link', { name: 'under Checkpoint' })).toBeVisible();
  await expect(page.getByLabel('Checkpoint from somebody you trust')).toHaveCount(1);
});

test('a node shows its newest block as a checkpoint; a link to one is asked about first', async () => {
  const page = await open('following', '/node');
  const panel = page.getByRole('region', { name: 'Checkpoint' });
  await expect(panel).toContainText('Validated');
  await expect(panel.getByRole('region', { name: 'The newest final block here' })).toHaveText(
    new RegExp(`^48[0-9]{3}:${ID}$`),
  );
  await expect(panel.getByRole('button', { name: 'Copy it as a link' })).toBeVisible();
  const advanced = page.getByText('Advanced: reading old blocks faster');
  await advanced.click();
  const unchecked = page.getByRole('checkbox', { name: /Do not check signatures/ });
  await expect(unchecked).toBeDisabled();
  await expect(unchecked).toHaveAccessibleDescription(/never more than Proven/);

  await page.goto(`${harness.url}/node?state=following&checkpoint=48190:${ID}`);
  await expect(panel.getByText('The link that you followed names a block')).toBeVisible();
  await expect(panel.getByText('Given by hand')).toBeHidden();
  await expect(panel.getByLabel('Checkpoint from somebody you trust')).toHaveValue(`48190:${ID}`);
  await panel.getByRole('button', { name: 'Trust this block' }).click();
  await expect(panel.getByText('Given by hand')).toBeVisible();
  // The link is of no use any more, and whoever uses keys alone is still in the panel.
  await expect(panel.getByText('The link that you followed names a block')).toBeHidden();
  await expect(page).not.toHaveURL(/checkpoint=/);
  await expect(panel.locator('#checkpoint')).toBeFocused();
  await advanced.click();
  await unchecked.check();
  await expect(unchecked).toBeChecked();
  expect(await page.evaluate(figuresWithoutTrust)).toEqual([]);
  await page.goto(`${harness.url}/node?state=following&checkpoint=javascript:alert(1)`);
  await expect(panel.getByText('The link that you followed names no block')).toBeVisible();
  await expect(panel.getByLabel('Checkpoint from somebody you trust')).toHaveValue('');
});

test('on a device to be spared a person is asked; the answer is kept', async () => {
  const page = await open('consent', '/');
  const asked = page.getByText('Load the whole state now?');
  await expect(asked).toBeVisible();
  await page.getByRole('button', { name: 'Load it now' }).click();
  await expect(asked).toBeHidden();
  await open('consent', '/node');
  await page.getByRole('button', { name: 'Stay with Saver' }).click();
  await expect(page.getByRole('radio', { name: 'Saver' })).toBeChecked();
  expect(await page.evaluate(() => localStorage.getItem('tabellion.mode'))).toBe('light');
});

test('the mode is chosen among three, with keys alone, while the node runs', async () => {
  const page = await open('following', '/node');
  const balanced = page.getByRole('radio', { name: 'Balanced' });
  await expect(balanced).toBeChecked();
  await balanced.focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('radio', { name: 'Archive' })).toBeChecked();
  await expect(page.getByRole('radio', { name: 'Archive' })).toBeFocused();
  // Arrows only look around: nothing is fetched or thrown away before somebody says so.
  const mode = page.getByRole('region', { name: /^Following/ }).getByText('Mode');
  const fact = mode.locator('xpath=following-sibling::*[1]');
  await expect(fact).toHaveText('Balanced');
  await page.getByRole('button', { name: 'Stay with Balanced' }).click();
  await expect(balanced).toBeChecked();
  await page.getByRole('radio', { name: 'Archive' }).check();
  await page.getByRole('button', { name: 'Switch to Archive' }).click();
  await expect(fact).toHaveText('Archive');
  for (const [mode, words] of [
    ['Saver', /Below 1 MB/],
    ['Balanced', /About \d+ MB on this device/],
    ['Archive', /About \d+ MB so far/],
  ] as const) {
    await expect(page.getByRole('radio', { name: mode })).toHaveAccessibleDescription(words);
  }
});

test('an archive that lacks old blocks says so, and reads them anew when told to', async () => {
  const page = await open('pruned', '/node');
  await expect(page.getByText('From block #12,000 on')).toBeVisible();
  const archive = page.getByRole('radio', { name: 'Archive' });
  await expect(archive).toHaveAccessibleDescription(/Earlier ones than #12,000 are missing here/);
  await archive.check();
  await page.getByRole('button', { name: 'Switch to Archive' }).click();
  await expect(page.getByText('Blocks of before are missing here')).toBeVisible();
  await page.getByRole('button', { name: 'read all since genesis' }).click();
  await expect(page.getByText('From block #12,000 on')).toBeHidden();
  await expect(archive).toHaveAccessibleDescription(/every block since genesis/);
  await expect(archive).toBeChecked();
});

test('the way from headers to blocks shows what was done, in bytes and time left', async () => {
  const page = await open('snapshot', '/node');
  const way = page.getByRole('list', { name: 'Way of this node' }).getByRole('listitem');
  await expect(way).toHaveText([
    /Headers done#48,2\d\d, 31 KB/,
    /Proof done3 hosts agree/,
    /State under way41 MB of 58 MB/,
    /Blocks to come/,
  ]);
  await expect(way.nth(2)).toHaveAttribute('aria-current', 'step');
  const panel = page.getByRole('region', { name: 'Loading the state' });
  await expect(panel).toContainText('70 % of the state · 41 MB of 58 MB · 1.2 MB a second · ~14 s');
  await expect(panel).toContainText('It went on from where it stopped last time.');
  await expect(panel).toContainText('Closing this tab loses nothing');
  await open('blocks', '/node');
  await expect(way.nth(3)).toContainText('under way');
  await expect(page.getByText(/% of work · 716 of [\d,]+ blocks/)).toBeVisible();
});

test('a history says from where on it is complete, and which part peers only named', async () => {
  const page = await open('pruned', '/account/ADDRESS');
  const history = page.getByRole('region', { name: 'Transactions' });
  await expect(history).toContainText('Complete from block #48,000 on');
  await history.getByRole('button', { name: 'Older transactions' }).click();
  await expect(history).toContainText('From blocks that this tab executed');
  await expect(history).toContainText('Named by peers');
  await expect(history).toContainText('Reported');
  await expect(history).toContainText('Complete from block #12,000 on');
  expect(await page.evaluate(figuresWithoutTrust)).toEqual([]);
  await open('following', '/account/ADDRESS');
  await expect(history).toContainText('Complete since genesis');
});

test('vanished and damaged storage is said in words: what is lost, and what is not', async () => {
  const page = await open('wiped', '/');
  const words = page.getByText('This browser deleted local data');
  await expect(words).toBeVisible();
  await expect(page.getByText('Your account is safe on the ledger')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Read a saved file' })).toBeVisible();
  await page.getByRole('button', { name: 'Understood' }).click();
  await expect(words).toBeHidden();
  await open('page-wiped', '/');
  await expect(page.getByText(/contacts and drafts of this browser are gone/)).toBeVisible();
  await open('repaired', '/');
  await expect(page.getByText('Stored data were damaged')).toBeVisible();
  await open('quota', '/');
  await expect(page.getByText('This device is out of space')).toBeVisible();
  await expect(page.getByText(/goes on by itself when there is room/)).toBeVisible();
  await open('reopened', '/');
  await expect(page.getByText('The browser closed the local data for a moment')).toBeVisible();
});

test('beside its store a node promises little, and takes nothing that it would forget', async () => {
  const page = await open('held', '/node');
  const notice = page.getByText('Another tab holds the stored data');
  await expect(notice).toBeVisible();
  await expect(page.getByText(/so figures are Reported at most/)).toBeVisible();
  await expect(page.getByText('a checkpoint can be given here once they are')).toBeVisible();
  await expect(page.getByLabel('Checkpoint from somebody you trust')).toBeHidden();
  // It is not another host that it waits for.
  const way = page.getByRole('list', { name: 'Way of this node' });
  await expect(way.getByRole('listitem').nth(1)).toContainText('Waiting for the stored data');
  await expect(way).not.toContainText(/Proven|host/);
  await page.getByRole('button', { name: 'Understood' }).click();
  await expect(notice).toBeHidden();
  await open('slow', '/node');
  await expect(page.getByText('Opening the stored data…')).toBeVisible();
  await expect(page.getByText(/proves nothing: genesis is too old/)).toBeVisible();
  await expect(page.getByText('Another tab holds')).toBeHidden();
  await page.getByRole('button', { name: 'Understood' }).click();
  await expect(page.getByRole('button', { name: 'Switch to Balanced' })).toBeHidden();
});

test('a node that has stopped promises no more than what was known', async () => {
  const page = await open('failed', '/account/ADDRESS');
  await untilAnswered(page);
  await expect(page.getByText('The node has stopped: Stored data are damaged')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Balances' })).toContainText('Cached');
  await expect(page.getByRole('main')).not.toContainText('Validated');
});

test('everything that only this browser has is saved, and read again where it was lost', async () => {
  const page = await open('following', '/contacts');
  await page.getByRole('textbox', { name: 'Name' }).fill('Zoe');
  await page.getByLabel('Address', { exact: true }).fill(`${address}`);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await open('following', '/send');
  await page.getByLabel('Amount').fill('7.5');
  await page.getByLabel('Note (public)').fill('For the roof');
  await open('following', '/settings');
  await page.getByRole('radio', { name: 'Dark' }).check();
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save what only this browser has' }).click();
  const path = await (await downloading).path();
  await page.evaluate(() => localStorage.clear());

  await open('page-wiped', '/');
  await page.getByRole('link', { name: 'Read a saved file' }).click();
  await expect(page.getByRole('region', { name: 'Your data' })).toBeInViewport();
  await expect(page.getByRole('region', { name: 'Accounts and keys' })).toContainText(
    'There is no account',
  );
  await page.getByLabel('Saved file').setInputFiles(path);
  await expect(page.getByRole('region', { name: 'Accounts and keys' })).toContainText('Anna');
  await expect(page.getByRole('radio', { name: 'Dark' })).toBeChecked();
  await open('following', '/contacts');
  await expect(
    page.getByRole('main').getByRole('link', { name: 'Zoe', exact: true }),
  ).toBeVisible();
  await open('following', '/send');
  await expect(page.getByLabel('Amount')).toHaveValue('7.5');
  await expect(page.getByLabel('Note (public)')).toHaveValue('For the roof');
  await open('following', '/settings');
  const backup = JSON.parse(await readFile(path, 'utf8'));
  expect(backup.relays).toContainEqual(expect.stringContaining('added.example'));
  // A file may name relays that nobody here knows: they are shown, and dialled when told to.
  const stranger = '/dns4/stranger.example/tcp/443/tls/ws/p2p/12D3KooWStranger';
  const text = JSON.stringify({ ...backup, relays: [...backup.relays, stranger] });
  const file = { name: 'b.json', mimeType: 'application/json', buffer: Buffer.from(text) };
  await page.getByLabel('Saved file').setInputFiles(file);
  const asked = page.getByText('The file names relays that are not known here');
  await expect(asked).toBeVisible();
  await expect(page.getByText(stranger)).toHaveCount(1);
  await page.getByRole('button', { name: 'Connect to them' }).click();
  await expect(asked).toBeHidden();
  await expect(page.getByRole('region', { name: 'Relays' }).getByText(stranger)).toBeVisible();
  await open('following', '/send');
  await page.getByRole('button', { name: 'Empty the form' }).click();
  await expect(page.getByLabel('Amount')).toHaveValue('');
});

test('what was typed of one asset never becomes an amount of another', async () => {
  const page = await open('following', '/send');
  const menu = page.getByLabel('Asset');
  const gold = await menu.locator('option', { hasText: 'GOLD' }).getAttribute('value');
  await menu.selectOption(gold);
  await page.getByLabel('Amount').fill('7.5');
  await open('following', '/send');
  await expect(menu).toHaveValue(gold ?? '');
  await expect(page.getByLabel('Amount')).toHaveValue('7.5');
  // That asset is no longer held: its amount is nobody's.
  await page.evaluate((id) => {
    const key = 'tabellion.drafts';
    const text = localStorage.getItem(key) ?? '';
    localStorage.setItem(key, text.replace(id, 'f'.repeat(64)));
  }, gold ?? '');
  await open('following', '/send');
  await expect(menu).toHaveValue('0'.repeat(64));
  await expect(page.getByLabel('Amount')).toHaveValue('');
});

for (const [name, viewport, states] of [
  ['phone', PHONE, ['saver', 'snapshot', 'consent', 'alarm', 'expired', 'wiped', 'pruned']],
  ['desktop', DESKTOP, ['snapshot', 'alarm']],
] as const) {
  test(`hard situations are axe-clean, and fit a ${name}, in both themes`, async () => {
    test.setTimeout(180_000);
    await person.page.setViewportSize(viewport);
    for (const [at, state] of states.entries()) {
      await person.page.emulateMedia({ colorScheme: at % 2 === 0 ? 'dark' : 'light' });
      for (const path of state === 'pruned' ? ['/account/ADDRESS'] : ['/node', '/']) {
        const page = await open(state, path);
        await untilAnswered(page);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [state, id, nodes[0]?.html])).toEqual([]);
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${state} ${path}`).toBeLessThanOrEqual(0);
        expect(await page.evaluate(figuresWithoutTrust), `${state} ${path}`).toEqual([]);
      }
    }
  });
}

test('nothing went wrong on the way', () => {
  expect(person.errors).toEqual([]);
});
