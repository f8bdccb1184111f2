// The console without a mouse: every page from its beginning to its end, the way from an app to a bridge, and
// everything that opens is closed again by Esc, which gives the focus back.

import type { Locator, Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { createQueue, setPolicy, type Queue } from '../clients/aws.ts';
import { asyncapi, contractOf } from '../contract.ts';
import { crawl } from '../crawl.ts';
import { becomes, expect, expectNoFaults, test } from '../fixtures.ts';
import { choose, press, reach, type, walk } from '../keyboard.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, region, unique, viewer } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const app = `keys-${suffix}`;
const [sender, space] = [`sender-${suffix}`, `keys-${suffix}`];
const contract = contractOf(suffix);
const bridge = `Keys to ERP ${suffix}`;

let page: Page;
let queue: Queue;

const button = (name: string) => page.getByRole('button', { name, exact: true });
const link = (name: string) => page.getByRole('main').getByRole('link', { name, exact: true });
const navigation = () => page.getByRole('navigation', { name: 'Main' });
const heading = (name: string | RegExp) => expect(page.getByRole('heading', { level: 1 })).toHaveText(name);

/** Opens something, goes into it and closes it with Esc: the focus is where it was. */
async function escapes(opener: Locator, opened: Locator, inside: Locator): Promise<void> {
  await press(opener);
  await expect(opened).toBeVisible();
  await reach(inside);
  await page.keyboard.press('Escape');
  await expect(opened).toBeHidden();
  await expect(opener).toBeFocused();
}

test.beforeAll(async ({ someone }) => {
  page = await someone();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await deployed(sender, space, { defines: [asyncapi(contract)] });
  queue = await createQueue(`keys-${suffix}`);
});

test('one signs in by typing, and is at the overview', async () => {
  await page.goto('/sign-in');
  await expect(page.getByLabel('E-mail')).toBeFocused();
  await page.keyboard.type(admin.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(admin.password);
  await page.keyboard.press('Enter');
  await heading('Overview');
});

test('an app and an environment are registered and enabled, and their credentials are copied', async () => {
  await press(navigation().getByRole('link', { name: 'Apps' }));
  await heading('Apps');
  await press(link('Register app').first());
  await heading('Register app');
  await type(page.getByLabel('Key'), app);
  await type(page.getByLabel('Name'), `Keys ${suffix}`);
  await press(button('Register app'));
  await heading(`Keys ${suffix}`);

  await press(link('Register environment').first());
  await heading('Register environment');
  await type(page.getByLabel('Key'), 'test');
  await type(page.getByLabel('Name'), 'Test');
  await page.keyboard.press('Enter');
  await expect(page.getByText(`${app}.test is registered.`)).toBeVisible();

  await heading(`Keys ${suffix}`);
  await press(button('Enable for this app'), 'Space');
  await expect(page.getByText(`The event broker is enabled for ${app}.`)).toBeVisible();
  await press(page.getByRole('table', { name: 'Environments' }).getByRole('rowheader').getByRole('link').first());
  await press(button('Enable test'), 'Space');
  await expect(page.getByText('It is in the Space test.')).toBeVisible();

  await press(button('Create credentials'));
  await heading('New credentials');
  const shown = page.locator('dt', { hasText: /^Password$/ }).locator('xpath=following-sibling::dd[1]//code');
  await press(button('Copy password'));
  await expect(page.getByRole('status').filter({ hasText: 'Copied' })).toBeAttached();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await shown.textContent());
  await expect(button('Copy password')).toBeFocused();
  expect(await walk(page)).toEqual([]);
});

test('a bridge is drafted in three steps, checked and started', async () => {
  await press(navigation().getByRole('link', { name: 'Bridges' }));
  await press(link('New bridge').first());
  await press(page.getByRole('radio', { name: 'AWS SQS' }), 'Space');
  await press(button('Continue'));
  await expect(page.getByLabel('Space')).toBeVisible();
  expect(await walk(page)).toEqual([]);
  await choose(page.getByLabel('Space'), space);
  await type(page.getByLabel('Name'), bridge);
  await type(page.getByLabel('AWS region'), region);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/bridges\/[^/]+\/events$/);

  await press(button('Add business events'));
  await heading('Add business events');
  expect(await walk(page)).toEqual([]);
  await type(page.getByRole('searchbox', { name: 'Filter: Business events' }), contract.sent);
  await expect(page.getByText('1 of 2')).toBeVisible();
  await press(page.getByRole('checkbox', { name: contract.sent }), 'Space');
  await press(button('Add events'));
  await expect(page.getByRole('checkbox', { name: new RegExp(`^to SQS.*${contract.sent}`) })).toBeChecked();
  await type(page.getByRole('textbox', { name: `Queue URL to SQS, ${contract.sent}` }), queue.canonical);
  // Enter in a field saves, whatever other buttons stand before that of saving.
  await page.keyboard.press('Enter');
  await expect(page.getByText(/The queues are saved/)).toBeVisible();
  expect(await walk(page)).toEqual([]);

  const statement = await page.getByRole('region', { name: `Queue ${queue.name}, to SQS` }).innerText();
  await setPolicy(queue, [JSON.parse(statement)]);
  await press(button('Check now'));
  await expect(page.getByText('Checked: every queue is ready.')).toBeVisible();
  await press(page.getByLabel('I have added these statements'), 'Space');
  await press(button('Start bridge'));
  await becomes('wasm', page.locator('#bridge-status').getByText('Running'), 15_000);
});

test('a question keeps the focus, Esc takes it back, and the typed name deletes the bridge', async () => {
  const dialog = page.getByRole('dialog', { name: `Delete the bridge “${bridge}”?` });
  await escapes(button('Delete'), dialog, dialog.getByRole('textbox'));

  await press(button('Delete'));
  await expect(dialog).toBeVisible();
  // All the way round: nothing of what lies behind the dialog.
  for (let n = 0; n < 8; n++) {
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.matches('dialog *, body'))).toBe(true);
  }
  await type(dialog.getByRole('textbox'), bridge);
  await page.keyboard.press('Enter');
  await expect(page.getByText(`${bridge} is being taken away.`)).toBeVisible();
});

test('menus open, and Esc closes them', async () => {
  await page.goto('/apps');
  const account = page.getByRole('button', { name: /^Account of/ });
  const root = page.locator('html');
  await escapes(account, page.locator('#account'), button('Dark'));
  await press(account);
  await press(button('Dark'));
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await press(account);
  await press(button('System'), 'Space');
  await expect(root).toHaveAttribute('data-theme', 'system');

  await page.setViewportSize({ width: 390, height: 800 });
  await escapes(button('Menu'), navigation(), navigation().getByRole('link', { name: 'Bridges' }));
  await press(button('Menu'));
  await press(navigation().getByRole('link', { name: 'Bridges' }));
  await heading('Bridges');
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('/ leads to the search from anywhere but where one types', async () => {
  const search = page.getByRole('searchbox', { name: 'Search everything' });
  await reach(link('New bridge').first());
  await page.keyboard.press('/');
  await expect(search).toBeFocused();
  await page.keyboard.type(`a/${app}`);
  await expect(search).toHaveValue(`a/${app}`);
  await type(search, app);
  await page.keyboard.press('Enter');
  await press(link(app).first());
  await heading(`Keys ${suffix}`);
});

test('what may not be done says why, and Esc closes that', async ({ someone }) => {
  const eyes = await someone();
  await signIn(eyes, viewer);
  await eyes.goto(`/apps/${app}/environments/test`);
  const refused = eyes.getByRole('button', { name: 'Rotate credentials' });
  const why = eyes.locator('.tip:popover-open');
  await press(refused);
  await expect(why).toBeVisible();
  await eyes.keyboard.press('Escape');
  await expect(why).toHaveCount(0);
  await expect(refused).toBeFocused();
  expect(await walk(eyes)).toEqual([]);
});

test('a part that is drawn anew leaves the focus where it was', async () => {
  const path = `/apps/${sender}/environments/${space}`;
  await page.goto(path);
  await expect(page.locator('.live')).toHaveText('Live');
  const chain = page.locator('#chain');
  await reach(chain.getByRole('button', { name: 'Disable' }));
  const report = { version: '2', deployed_at: new Date().toISOString(), defines: [asyncapi(contract)], implements: [] };
  await api(adminToken, 'PUT', `${path}/deployment`, report);
  await expect(chain).toContainText('Version 2, ');
  await expect(chain.getByRole('button', { name: 'Disable' })).toBeFocused();
});

test('every page is walked over from its beginning to its end', async () => {
  test.setTimeout(600_000);
  // A part that is drawn anew meanwhile would have other elements.
  await page.route('**/live', (route) => route.fulfill({ contentType: 'text/event-stream', body: ':\n\n' }));
  await crawl(page, async (path) => expect.soft(await walk(page), path).toEqual([]));
});
