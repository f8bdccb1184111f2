// Lists that are sorted and read both ways, apps that come from a file, contracts that are uploaded, and why an app does
// not receive an event.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const names = ['alpha', 'beta', 'gamma'].map((name) => `${name}-${suffix}`);
let page: Page;

const button = (name: string) => page.getByRole('button', { name, exact: true });
const file = (name: string, text: string) => ({ name, mimeType: 'application/yaml', buffer: Buffer.from(text) });
const shown = async () => {
  const rows = page.getByRole('table', { name: 'Apps' }).getByRole('rowheader');
  return (await rows.allInnerTexts()).map((text) => names.find((name) => text.includes(name)));
};

test.beforeAll(async ({ someone }) => {
  page = await someone();
  await signIn(page, admin);
});

test('apps come from a file: a mistake is named with its line and nothing is lost, then all of them are there', async () => {
  await page.goto('/apps');
  await page.getByRole('link', { name: 'Import' }).click();
  const apps = names.map((name) => `  - {key: ${name}, environments: [{key: test, broker: true}], broker: true}`);
  await page.getByLabel('File', { exact: true }).setInputFiles(file('apps.yaml', ['apps:', ...apps, '  - {key: Wrong}'].join('\n')));
  await button('See what it does').click();
  await expect(page.getByRole('row', { name: /apps\/3\/key/ })).toContainText('may only hold');
  await look(page);
  const text = page.getByLabel('The file');
  await text.fill((await text.inputValue()).replace('  - {key: Wrong}', ''));
  await button('See what it does').click();
  await expect(page.getByRole('row', { name: new RegExp(`${names[0]}\\.test`) })).toContainText('Registered, enabled');
  await look(page);
  await button('Import').click();
  await expect(page.getByText('Imported: 6 changes.')).toBeVisible();
});

test('a list is sorted by its headings and read both ways, all in the address', async () => {
  await page.goto(`/apps?q=${suffix}`);
  expect(await shown()).toEqual(names);
  await page.getByRole('columnheader', { name: 'App' }).getByRole('link').click();
  expect(await shown()).toEqual(names.toReversed());
  await expect(page.getByRole('columnheader', { name: 'App' })).toHaveAttribute('aria-sort', 'descending');
  await page.goto(`${page.url()}&limit=1`);
  const seen = [await shown()];
  for (let n = 0; n < 2; n++) {
    await page.getByRole('link', { name: 'Next' }).click();
    seen.push(await shown());
  }
  expect(seen.flat()).toEqual(names.toReversed());
  await page.getByRole('link', { name: 'Previous' }).click();
  expect(await shown()).toEqual([names[1]]);
  await look(page);
  expect((await page.goto('/apps?sort=colour'))?.status()).toBe(422);
});

test('the page of an event and an environment names the first broken link, and leads to its cure', async () => {
  const [owner, reader] = names;
  const event = `Noticed_${suffix}`;
  const service = `notices-${suffix}`;
  const message = { name: event, payload: { type: 'object' } };
  const info = { title: `Notices ${suffix}`, version: '1' };
  const contract = { asyncapi: '2.6.0', 'x-ebm-service': service, info, channels: { notices: { subscribe: { message } } } };
  await deployed(owner, 'test', { defines: [contract] });
  await page.goto(`/apps/${reader}/environments/test/events/${service}/${event}`);
  await expect(page.getByText('Nothing was deployed here yet.').first()).toBeVisible();
  await look(page);
  await deployed(reader, 'test', { implements: [{ service, event, access: 'subscribe' }] });
  await page.goto(`/apps/${reader}/environments/test`);
  await page.getByRole('link', { name: `Explain whether it receives ${event}` }).click();
  await expect(page.getByText('Nothing stands in its way that is known here.')).toBeVisible();
  const taken = { app: reader, env: 'test', service, event, access: [] };
  await api(adminToken, 'PUT', '/spaces/test/grants', taken);
  await page.reload();
  await page.getByRole('link', { name: 'Look at access' }).click();
  await expect(page).toHaveURL(`/access/${reader}/test`);
});

test('a contract is uploaded in steps, and downloaded again', async () => {
  const message = '{ "name": "Weather", "payload": { "type": "object" } }';
  const channels = `{ "weather": { "subscribe": { "message": ${message} } } }`;
  const info = `{ "title": "Weather ${suffix}", "version": "1.0" }`;
  const text = `{ "asyncapi": "2.6.0", "info": ${info}, "channels": ${channels} }`;
  await page.goto('/services');
  await page.getByRole('link', { name: 'Upload a service' }).click();
  await look(page);
  await page.getByLabel(/^File/).setInputFiles(file('weather.json', text.replace('2.6.0', '3.0.0')));
  await button('Read the document').click();
  await expect(page.getByText(/3\.0\.0/).first()).toBeVisible();
  await page.getByLabel(/^File/).setInputFiles(file('weather.json', text));
  await button('Read the document').click();
  await expect(page.getByRole('row', { name: /Weather/ })).toContainText('subscribe');
  await look(page);
  await button('Choose Spaces').click();
  await page.getByRole('checkbox', { name: /^test\b/ }).check();
  await look(page);
  await button('Upload the service').click();
  await expect(page.getByText(`Weather ${suffix} 1.0 is uploaded for test.`)).toBeVisible();
  await look(page);
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'AsyncAPI as JSON' }).click();
  expect((await downloading).suggestedFilename()).toContain(`weather-${suffix}`);
});
