// Every page that is reached by a link, once: axe, width, console, headers. The pages of forms and answers are
// looked at where they are used.

import type { Page } from '@playwright/test';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { landscape } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, url, viewer } from '../settings.ts';

expectNoFaults();

/** The shape of an address: pages of one shape are one page, seen once. */
const shape = (path: string): string =>
  path
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27,}/g, '<id>')
    .replace(/^\/apps\/(?!new$)[^/]+/, '/apps/<app>')
    .replace(/\/environments\/(?!new$)[^/]+/, '/environments/<environment>')
    .replace(/^\/spaces\/[^/]+/, '/spaces/<space>')
    .replace(/\/events\/.+/, '/events/<event>')
    .replace(/\/dead-letters\/\d+/, '/dead-letters/<number>')
    .replace(/^\/services\/(?!upload$)[^/]+/, '/services/<service>')
    .replace(/^\/access\/.+/, '/access/<environment>');

async function links(page: Page): Promise<string[]> {
  // Links in drawings have no address of their own kind; the attribute is the same everywhere.
  const found = await page
    .locator('a[href]:not([download])')
    .evaluateAll((all) => all.map((a) => new URL(a.getAttribute('href')!, document.baseURI).href));
  return found
    .filter((href) => href.startsWith(`${url}/`))
    .map((href) => new URL(href).pathname)
    // Taking a change back is possible or not by what was done since: its own tests know.
    .filter((path) => !/\/(policy|asyncapi|revert)$/.test(path) && !path.startsWith('/api/') && !path.startsWith('/pkg/'));
}

for (const [who, account] of [
  ['an admin', admin],
  ['a viewer', viewer],
] as const) {
  test(`every page that ${who} is led to is whole`, async ({ someone }) => {
    test.setTimeout(600_000);
    await landscape();
    const page = await someone();
    await signIn(page, account);
    const [seen, waiting] = [new Set<string>(), ['/']];
    for (let path = waiting.shift(); path; path = waiting.shift()) {
      if (seen.has(shape(path))) continue;
      seen.add(shape(path));
      const answer = await page.goto(path);
      expect.soft(answer?.status(), path).toBe(200);
      await expect.soft(page.getByRole('heading', { level: 1 }), path).toHaveCount(1);
      if (account === admin) await look(page);
      waiting.push(...(await links(page)));
    }
    for (const path of ['/apps', '/spaces', '/channels', '/events', '/services', '/access', '/bridges', '/history', '/cluster'])
      expect.soft([...seen], 'pages that were reached').toContain(path);
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
