// The console without a mouse: going to things with Tab, and what a walk over a whole page must show.

import { expect, type Locator, type Page } from '@playwright/test';

/** More than any page has. */
const MANY = 2_000;
/** What Tab may stop at besides: parts of dates, and boxes that scroll. */
const BESIDES = 40;

/** Goes on with Tab until something has the focus. */
export async function reach(target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let n = 0; n < MANY; n++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await target.page().keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${target}`);
}

export async function press(target: Locator, key = 'Enter'): Promise<void> {
  await reach(target);
  await target.page().keyboard.press(key);
}

/** Types in place of what is there. */
export async function type(target: Locator, text: string): Promise<void> {
  await press(target, 'ControlOrMeta+a');
  await target.page().keyboard.type(text);
}

/** Chooses by typing the beginning, as in any list. */
export async function choose(target: Locator, text: string): Promise<void> {
  await reach(target);
  await target.page().keyboard.type(text);
  await expect(target).toHaveValue(text);
}

/**
 * Walks over the page, from its beginning to its end and back. Gives what is wrong: what is not reached, or out of
 * order, or shows no focus, or is hidden when it has it.
 */
export async function walk(page: Page): Promise<string[]> {
  const found: string[] = [];
  const count = await page.evaluate(survey);
  for (let n = 0; ; n++) {
    if (n > count + BESIDES) return [...found, 'Tab does not come to the end of the page'];
    await page.keyboard.press('Tab');
    const { ended, wrong } = await page.evaluate(stop, n);
    found.push(...wrong);
    if (ended) break;
  }
  found.push(...(await page.evaluate(missed)));
  for (let n = 0; !(await page.evaluate(() => document.activeElement?.matches('a.skip'))); n++) {
    if (n > count + BESIDES) return [...found, 'Shift+Tab does not come to the beginning of the page'];
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Enter');
  if (!(await page.evaluate(() => document.activeElement?.matches('main:target')))) found.push('the skip link leads nowhere');
  await page.keyboard.press('Tab');
  if (await page.evaluate(() => !!document.activeElement?.closest('.nav, .topbar'))) found.push('after the skip link Tab leads back');
  return found;
}

// What follows runs in the page.

type Walk = { all: Element[]; plain: Map<Element, string>; reached: Set<Element>; last?: Element; ring(e: Element): string };
type Walked = Window & { walk: Walk };

/** Goes to the beginning, and notes what can have the focus, and how it looks without. */
function survey(): number {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  const ring = (element: Element) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(element);
    const drawn = [...element.querySelectorAll('rect')].map((rect) => getComputedStyle(rect).strokeWidth);
    return [outlineStyle === 'none' ? '' : `${outlineWidth} ${outlineColor}`, boxShadow, ...drawn].join('|');
  };
  const can = 'a[href], button, input, select, textarea, summary, [tabindex]';
  const all = [...document.querySelectorAll<HTMLElement | SVGAElement>(can)].filter(
    (element) =>
      element.tabIndex >= 0 && !element.matches(':disabled, [type=hidden]') && element.checkVisibility({ visibilityProperty: true }),
  );
  const plain = new Map(all.map((element) => [element, ring(element)]));
  (window as unknown as Walked).walk = { all, plain, reached: new Set(), ring };
  return all.length;
}

/** Looks at what has the focus now. */
function stop(nth: number): { ended: boolean; wrong: string[] } {
  const { walk } = window as unknown as Walked;
  const here = document.activeElement;
  // A date has parts of its own.
  if (here && here === walk.last) return { ended: false, wrong: [] };
  // After its end, Chromium begins the page again.
  if (!here || here === document.body || walk.reached.has(here)) return { ended: true, wrong: [] };
  walk.reached.add(here);
  const wrong: string[] = [];
  const say = (what: string) => wrong.push(`${what}: ${here.outerHTML.slice(0, 160)}`);
  if (nth === 0 && !here.matches('a.skip')) say('is before the skip link');
  if (walk.last && !(walk.last.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING)) say('is out of order');
  const [box] = here.getClientRects();
  const before = walk.last?.getClientRects()[0];
  // Read down and to the right: what stands above the one before stands in a later column.
  if (before && box.bottom <= before.top && box.left < before.left) say('is read before the one before it');
  if (walk.ring(here) === (walk.plain.get(here) ?? walk.ring(document.body))) say('does not show the focus');
  const spots = [0.5, 0.1, 0.9].flatMap((x) => [0.5, 0.1, 0.9].map((y) => [box.left + box.width * x, box.top + box.height * y]));
  const seen = spots.some(([x, y]) => {
    const hit = document.elementFromPoint(x, y);
    return hit && (here.contains(hit) || hit.contains(here));
  });
  if (!seen) say('is hidden');
  walk.last = here;
  return { ended: false, wrong };
}

/** What Tab did not lead to. Of radio buttons one stands for all. */
function missed(): string[] {
  const { all, reached } = (window as unknown as Walked).walk;
  const group = (element: Element) => (element.matches('[type=radio]') ? element.getAttribute('name') : undefined);
  const groups = new Set([...reached].map(group));
  return all
    .filter((element) => element.isConnected && !reached.has(element) && !(group(element) && groups.has(group(element))))
    .map((element) => `Tab does not lead to it: ${element.outerHTML.slice(0, 160)}`);
}
