// One object in several pages of a browser: what changes turns up in all of them by itself, whatever becomes of the
// page that hears of it first, or of the connection.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { wire } from '../clients/wire.ts';
import { expect, expectNoFaults, tab, test } from '../fixtures.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const app = `tabs-${suffix}`;
const space = `tabs-${suffix}`;
const path = `/apps/${app}/environments/${space}`;
/** More than a browser has connections to one server over HTTP/1.1. */
const MANY = 8;

let tabs: Page[];
let version = 1;

/** Something happens to the environment that its page shows. */
async function deploy(): Promise<string> {
  version += 1;
  const report = { version: `${version}`, deployed_at: new Date().toISOString(), defines: [], implements: [] };
  await api(adminToken, 'PUT', `${path}/deployment`, report);
  return `Version ${version}, `;
}

const shows = (page: Page, text: string) => expect(page.locator('#chain')).toContainText(text);
const live = (page: Page) => expect(page.locator('.live')).toHaveText('Live');

/** As when one looks at another tab, and comes back. */
const turn = (page: Page, hidden: boolean) =>
  page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);

test.beforeAll(async ({ someone }) => {
  await deployed(app, space, {});
  const first = await someone();
  await signIn(first, admin);
  tabs = [first];
  while (tabs.length < MANY) tabs.push(await tab(first));
});

test('many open pages leave room for another, and all of them are live', async () => {
  for (const page of tabs) await page.goto(path);
  for (const page of tabs) await live(page);
  await tabs[0].goto('/apps');
  await tabs[0].goto(path);
  const text = await deploy();
  for (const page of tabs) await shows(page, text);
});

test('what is done in one page turns up in the others: first wanted, then in force', async () => {
  const [here, ...others] = tabs;
  await here.getByRole('button', { name: 'Disable', exact: true }).first().click();
  await here.getByRole('dialog').getByRole('button', { name: 'Disable', exact: true }).click();
  // The message is for the page that acted, although the others are drawn anew at the same time.
  await expect(here.getByText(/is disabled for/)).toBeVisible();
  for (const page of others) await shows(page, 'Nothing is in force while the environment is not enabled.');
  await here.getByRole('button', { name: `Enable ${space}` }).click();
  for (const page of tabs) await shows(page, 'What is wanted here is in force on every broker.');
});

test('the page that hears the server is hidden, or closed: another hears it from then on', async () => {
  const [first, second] = tabs;
  for (const page of tabs.slice(2)) await page.goto('/apps');
  await live(first);
  await live(second);
  for (const [away, stays] of [
    [first, second],
    [second, first],
  ]) {
    await turn(away, true);
    const text = await deploy();
    await shows(stays, text);
    await expect(away.locator('#chain')).not.toContainText(text);
    await turn(away, false);
    await shows(away, text);
  }
  await first.close();
  await shows(second, await deploy());
});

test('the connection is lost: the page says so, and afterwards shows what happened meanwhile', async ({ faults }) => {
  const both = tabs.slice(-2);
  // Cut in two, since Chromium leaves open streams alone when it is told to be offline.
  const line = await wire();
  for (const page of both) {
    await page.goto(`${line.url}${path}`);
    await live(page);
  }
  await line.cut();
  for (const page of both) await expect(page.locator('.live')).toHaveText('Reconnecting');
  const text = await deploy();
  await line.mend();
  for (const page of both) {
    await shows(page, text);
    await live(page);
  }
  const next = await deploy();
  for (const page of both) await shows(page, next);
  for (const page of both) await page.close();
  await line.cut();
  // Of the lost connection the browser complains, and rightly.
  faults.splice(0, Infinity, ...faults.filter((fault) => !/net::ERR_(CONNECTION|EMPTY|INCOMPLETE)/.test(fault)));
});
