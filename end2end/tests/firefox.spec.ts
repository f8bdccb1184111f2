// The main way in another browser: forms, dialogs and menus without script, and pages that keep themselves true.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { expect, expectNoFaults, tab, test } from '../fixtures.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const app = `fox-${unique()}`;
const path = `/apps/${app}/environments/test`;
let page: Page;

const button = (name: string) => page.getByRole('button', { name, exact: true });

test.beforeAll(async ({ someone }) => {
  page = await someone();
  await signIn(page, admin);
});

test('an app and an environment are registered and enabled, and credentials are made', async () => {
  await page.goto('/apps/new');
  await page.getByLabel('Key').fill(app);
  await page.getByLabel('Name').fill(app);
  await button('Register app').click();
  await button('Enable for this app').click();
  await expect(page.getByText(`The event broker is enabled for ${app}.`)).toBeVisible();
  await page.goto(`/apps/${app}/environments/new`);
  await page.getByLabel('Key').fill('test');
  await page.getByLabel('Name').fill('Test');
  await button('Register environment').click();
  await expect(page.getByText(`${app}.test is registered.`)).toBeVisible();
  await page.goto(path);
  await button('Enable test').click();
  await expect(page.getByText('It is in the Space test.')).toBeVisible();
  await button('Create credentials').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('New credentials');
  await expect(button('Copy password')).toBeVisible();
});

test('two pages show by themselves what happens', async () => {
  const other = await tab(page);
  for (const each of [page, other]) {
    await each.goto(path);
    await expect(each.locator('.live')).toHaveText('Live');
  }
  const report = { version: '1', deployed_at: new Date().toISOString(), defines: [], implements: [] };
  await api(adminToken, 'PUT', `${path}/deployment`, report);
  for (const each of [page, other]) await expect(each.locator('#chain')).toContainText('Version 1, ');
  await other.close();
});

test('a dialog and a menu open, and Esc closes them', async () => {
  const dialog = page.getByRole('dialog', { name: `Disable the event broker for ${app}.test?` });
  await button('Disable').click();
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(button('Disable')).toBeFocused();
  await page.getByRole('button', { name: /^Account of/ }).click();
  await button('Dark').click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
