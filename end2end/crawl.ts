// Every page that is reached by a link, once.

import type { Page } from '@playwright/test';
import { expect } from './fixtures.ts';
import { url } from './settings.ts';

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
  // Downloads are no pages, and whether a change can be taken back depends on what came after it.
  return found
    .filter((href) => href.startsWith(`${url}/`))
    .map((href) => new URL(href).pathname)
    .filter((path) => !/\/(policy|asyncapi|revert)$/.test(path) && !path.startsWith('/api/') && !path.startsWith('/pkg/'));
}

/** Goes to each page from the overview on, and does `visit` there. */
export async function crawl(page: Page, visit: (path: string) => Promise<void>): Promise<void> {
  const [seen, waiting] = [new Set<string>(), ['/']];
  for (let path = waiting.shift(); path; path = waiting.shift()) {
    if (seen.has(shape(path))) continue;
    seen.add(shape(path));
    const answer = await page.goto(path);
    expect.soft(answer?.status(), path).toBe(200);
    await visit(path);
    waiting.push(...(await links(page)));
  }
  for (const path of ['/apps', '/spaces', '/channels', '/events', '/services', '/access', '/bridges', '/history', '/cluster'])
    expect.soft([...seen], 'pages that were reached').toContain(path);
}
