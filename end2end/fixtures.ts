// Pages that are watched: whatever a browser complains about fails the test, whatever the test was about.

import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Browser, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { url } from './settings.ts';

export { expect };

/** With the wasm of the page, with all wasm blocked, or without any script. */
export type How = 'wasm' | 'no-wasm' | 'no-script';
export type Options = { how: How };

type Shared = Options & {
  /** What browsers complained about since the last test. */
  faults: string[];
  /** Opens the browser of one more person. */
  someone: () => Promise<Page>;
};

export const test = base.extend<object, Shared>({
  how: ['wasm', { option: true, scope: 'worker' }],
  browser: [
    async ({ browser, browserName }, use) => {
      if (browserName === 'firefox') spareMedia(browser);
      await use(browser);
    },
    { scope: 'worker' },
  ],
  faults: [async ({}, use) => use([]), { scope: 'worker' }],
  someone: [
    async ({ browser, how, faults }, use) => {
      const opened: BrowserContext[] = [];
      await use(async () => {
        const context = await open(browser, how);
        opened.push(context);
        const page = await context.newPage();
        watch(page, how, faults);
        return page;
      });
      for (const context of opened) await context.close();
    },
    { scope: 'worker' },
  ],
});

/**
 * Playwright tells every context its media features, also where none are asked for, by a command that Debian's Firefox does
 * not know yet. There it is left out.
 */
function spareMedia(browser: Browser): void {
  const session = (browser as any)._connection.toImpl(browser)._browserSession;
  const send = session.send.bind(session);
  session.send = (method: string, parameters: unknown) =>
    method === 'emulation.setMediaFeaturesOverride' ? Promise.resolve({}) : send(method, parameters);
}

/** To be called in a file of tests: none of them may leave a complaint. All are told at its end. */
export function expectNoFaults(): void {
  test.afterAll(({ faults }) => {
    const found = faults.splice(0);
    expect([...new Set(found)], 'complaints of the browser').toEqual([]);
  });
}

async function open(browser: Browser, how: How): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: url, javaScriptEnabled: how !== 'no-script' });
  if (how === 'no-wasm') await context.route('**/*.wasm', (route) => route.abort());
  return context;
}

/** One more page of the same browser, watched as the first one is. */
export async function tab(of: Page): Promise<Page> {
  const { how, faults } = watched.get(of)!;
  const page = await of.context().newPage();
  watch(page, how, faults);
  return page;
}

function watch(page: Page, how: How, faults: string[]): void {
  watched.set(page, { how, faults });
  const documents = new Set<string>();
  page.on('response', (response) => {
    if (!response.request().isNavigationRequest()) return;
    documents.add(response.url());
    const headers = response.headers();
    const say = (what: string) => faults.push(`${response.request().method()} ${response.url()}: ${what}`);
    if (response.status() >= 500) say(`answered ${response.status()}`);
    if (headers['cache-control'] !== 'no-store') say(`has Cache-Control: ${headers['cache-control']}`);
    if (!headers['content-type']?.startsWith('text/html')) return;
    const policy = headers['content-security-policy'] ?? '';
    for (const part of ["default-src 'none'", "script-src 'nonce-", "frame-ancestors 'none'", "base-uri 'none'"])
      if (!policy.includes(part)) say(`has no ${part} in its policy: ${policy}`);
  });
  page.on('console', (message) => {
    // Warnings are about scripts that were preloaded and not used; without script they are not.
    if (message.type() !== 'error' && (message.type() !== 'warning' || how !== 'wasm')) return;
    const { url: where } = message.location();
    if (how === 'no-wasm' && (where.endsWith('.wasm') || message.text().includes('.wasm'))) return;
    // A form with errors answers 422, and Chromium tells of it.
    if (message.text().startsWith('Failed to load resource') && documents.has(where)) return;
    faults.push(`${page.url()}: ${message.text()} (${where})`);
  });
  page.on('pageerror', (error) => {
    // Chromium says so when a page is left before its view transition has begun.
    if (error.message.startsWith('Transition was aborted')) return;
    // The loader of the wasm rejects when there is none.
    if (how === 'no-wasm' && /fetch/i.test(error.message)) return;
    faults.push(`${page.url()}: ${error.message}`);
  });
}

const watched = new WeakMap<Page, { how: How; faults: string[] }>();

/**
 * Axe finds nothing on this page, light and dark, and it fits into the width of a phone. What is found is noted
 * with the complaints of the browser.
 *
 * Pages are the same without script; it is enough to look at them once.
 */
export async function look(page: Page): Promise<void> {
  const { how, faults } = watched.get(page)!;
  if (how !== 'wasm') return;
  const size = page.viewportSize();
  for (const colorScheme of ['light', 'dark'] as const) {
    // Colours that are still on their way to the other theme are nobody's.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const axe = new AxeBuilder({ page });
    // All else is the same in the dark.
    const { violations } = await (colorScheme === 'dark' ? axe.withRules('color-contrast') : axe).analyze();
    for (const { id, nodes } of violations)
      faults.push(`${page.url()}, ${colorScheme}: axe, ${id}: ${nodes.map((n) => n.html).join(' | ')}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 900 });
    const over = await overflow(page);
    if (over > 0) faults.push(`${page.url()}: ${over} px too wide at ${width} px`);
  }
  if (size) await page.setViewportSize(size);
}

function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Waits until a page shows something: by itself where its wasm runs, else by reloading. */
export async function becomes(how: How, shown: Locator, timeout = 20_000): Promise<void> {
  const page = shown.page();
  if (how === 'wasm') {
    const came = await shown.waitFor({ timeout: timeout / 2 }).then(() => true, () => false);
    if (came) return;
    watched.get(page)?.faults.push(`${page.url()}: did not show by itself within ${timeout / 2} ms: ${shown}`);
  }
  await expect(async () => {
    await page.reload();
    await expect(shown).toBeVisible({ timeout: 250 });
  }).toPass({ timeout, intervals: [250, 500, 1000] });
}
