import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { setPassword, signIn } from '../people.ts';
import { firstAdmin, firstLink } from '../settings.ts';

expectNoFaults();

test('the first admin sets a password by the one-time link, which then is used up', async ({ someone }) => {
  const page = await someone();
  await page.goto(firstLink());
  await expect(page.getByText(firstAdmin.email)).toBeVisible();
  await look(page);

  await test.step('two passwords that differ are refused beside the field', async () => {
    await page.getByLabel('Password', { exact: true }).fill(firstAdmin.password);
    await page.getByLabel('Again').fill(`${firstAdmin.password}!`);
    const answer = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Set password and sign in' }).click();
    expect((await answer).status()).toBe(422);
    await expect(page.getByLabel('Again')).toHaveAccessibleDescription(/type the same twice/);
    await look(page);
  });

  await setPassword(page, firstLink(), firstAdmin.password);
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Apps' })).toBeVisible();

  const other = await someone();
  expect((await other.goto(firstLink()))?.status()).toBe(404);
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('This link is used up');
  await look(other);
  await signIn(other, firstAdmin);
});
