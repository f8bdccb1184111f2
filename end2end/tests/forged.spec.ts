// Forms that were not sent from the console's own pages, sessions, and what a viewer may not do.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { cookiesOf, post } from '../clients/raw.ts';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { landscape, type Landscape } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, url, viewer } from '../settings.ts';

expectNoFaults();

let land: Landscape;
let page: Page;

test.beforeAll(async ({ someone }) => {
  land = await landscape();
  page = await someone();
});

const isEnabled = async (): Promise<boolean> => (await api(adminToken, 'GET', `/apps/${land.app}`)).broker_enabled;

const disable = async (headers: Record<string, string>) =>
  post(`/apps/${land.app}/broker`, { enabled: 'false' }, { cookie: await cookiesOf(page), ...headers });

test('a form from another origin is refused, and so is one that does not say where it comes from', async () => {
  await signIn(page, admin);
  const forged: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { referer: `${url}/apps` },
    {},
  ];
  for (const headers of forged) expect((await disable(headers)).status, JSON.stringify(headers)).toBe(403);
  expect(await isEnabled()).toBe(true);

  await test.step('the same form from the console itself is taken', async () => {
    expect((await disable({ origin: url })).status).toBe(303);
    expect(await isEnabled()).toBe(false);
    await api(adminToken, 'PUT', `/apps/${land.app}/broker`, { enabled: true });
  });
});

test('the stream of changes is not read from another origin', async () => {
  const headers = { cookie: await cookiesOf(page), origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const stop = new AbortController();
  const { status } = await fetch(`${url}/live?about=app:x`, { headers, signal: stop.signal });
  stop.abort();
  expect(status).toBe(403);
});

test('the cookie of a session is kept from scripts and other sites, is new at sign-in and worth nothing after sign-out', async ({
  someone,
}) => {
  const own = await someone();
  const preset = 'AAAAAAAAAAAAAAAAAAAAAA';
  await own.context().addCookies([{ name: 'ebm', value: preset, url }]);
  await signIn(own, viewer);
  const [session] = (await own.context().cookies()).filter(({ name }) => name !== 'theme');
  // The prefix `__Host-` and Secure are for https; here it is http on the machine itself.
  expect(session).toMatchObject({ name: 'ebm', httpOnly: true, sameSite: 'Lax', path: '/', secure: false });
  expect(session.domain).toBe('127.0.0.1');
  expect(session.value).not.toBe(preset);
  expect(session.value.length).toBeGreaterThanOrEqual(22);

  await own.goto('/apps');
  await own.getByRole('button', { name: /^Account of/ }).click();
  await own.getByRole('button', { name: 'Sign out' }).click();
  await expect(own).toHaveURL('/sign-in');
  for (const value of [session.value, preset, `${session.value.slice(0, -1)}_`]) {
    await own.context().addCookies([{ name: 'ebm', value, url }]);
    await own.goto('/apps');
    await expect(own).toHaveURL('/sign-in?next=%2Fapps');
  }
  await look(own);
});

test('a viewer sees what he may not do, with the reason, and is refused when he does it all the same', async ({
  someone,
}) => {
  const own = await someone();
  await signIn(own, viewer);
  const environment = `/apps/${land.app}/environments/${land.environment}`;

  await own.goto(`/apps/${land.app}`);
  for (const name of ['Edit', 'Disable', 'Register environment']) {
    const act = own.getByRole('button', { name, exact: true });
    await expect(act).toHaveAttribute('aria-disabled', 'true');
    await expect(act).toHaveAccessibleDescription(/Only|only/);
  }
  // By the keyboard: Playwright does not press what says that it is disabled.
  await own.getByRole('button', { name: 'Disable', exact: true }).press('Enter');
  await expect(own.locator('#broker-switch-reason')).toBeVisible();
  await look(own);

  await own.goto(environment);
  for (const name of ['Disable', 'Create credentials', 'Create deploy token'])
    await expect(own.getByRole('button', { name, exact: true })).toHaveAttribute('aria-disabled', 'true');
  await look(own);

  const headers = { cookie: await cookiesOf(own), origin: url };
  const acts: [string, Record<string, string>][] = [
    ['/apps/new', { key: 'by-hand', name: 'By hand' }],
    [`/apps/${land.app}/edit`, { name: 'By hand' }],
    [`/apps/${land.app}/broker`, { enabled: 'false' }],
    [`/apps/${land.app}/environments/new`, { key: 'by-hand', name: 'By hand' }],
    [`${environment}/broker`, { enabled: 'false' }],
    [`${environment}/credentials`, {}],
    [`${environment}/tokens`, { name: 'by hand' }],
    ['/bridges/new/details', { kind: 'sqs', name: 'By hand', space: 'test', region: 'eu-central-1' }],
  ];
  const before = await api(adminToken, 'GET', `/apps/${land.app}`);
  for (const [path, fields] of acts) {
    const answer = await post(path, fields, headers);
    expect.soft(answer.status, `POST ${path}`).toBe(403);
  }
  expect(await api(adminToken, 'GET', `/apps/${land.app}`)).toEqual(before);
  expect((await api(adminToken, 'GET', '/apps?q=by-hand')).items).toEqual([]);
  const tokens = await api(adminToken, 'GET', `/tokens?app=${land.app}&env=${land.environment}`);
  expect(JSON.stringify(tokens)).not.toContain('by hand');
  for (const path of ['/apps/new', `/apps/${land.app}/edit`, `/apps/${land.app}/environments/new`, '/people'])
    expect.soft((await own.goto(path))?.status(), path).toBe(403);
});
