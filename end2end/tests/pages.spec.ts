// Every page that is reached by a link, once: axe, width, console, headers. The pages of forms and answers are
// looked at where they are used.

import { crawl } from '../crawl.ts';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { landscape } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, viewer } from '../settings.ts';

expectNoFaults();

for (const [who, account] of [
  ['an admin', admin],
  ['a viewer', viewer],
] as const) {
  test(`every page that ${who} is led to is whole`, async ({ someone }) => {
    test.setTimeout(600_000);
    await landscape();
    const page = await someone();
    await signIn(page, account);
    await crawl(page, async (path) => {
      await expect.soft(page.getByRole('heading', { level: 1 }), path).toHaveCount(1);
      if (account === admin) await look(page);
    });
  });
}

test('a page that does not exist says so, and leads on', async ({ someone }) => {
  const page = await someone();
  await signIn(page, viewer);
  expect((await page.goto('/no/such/page'))?.status()).toBe(404);
  await expect(page.getByRole('link', { name: 'To the overview' })).toBeVisible();
  await look(page);
});

test('the theme is chosen in the menu of the account, and stays', async ({ someone }) => {
  const page = await someone();
  await signIn(page, viewer);
  for (const theme of ['Dark', 'Light', 'System']) {
    await page.goto('/apps?q=nothing');
    await page.getByRole('button', { name: /^Account of/ }).click();
    await page.getByRole('button', { name: theme }).click();
    await expect(page).toHaveURL('/apps?q=nothing');
    await expect(page.locator('html')).toHaveAttribute('data-theme', theme.toLowerCase());
  }
});
