// Access: what is implemented without it is a finding; granted, Kafka opens; taken, Kafka refuses. Credentials:
// rotated, the old password is refused; disabled, every request of a live connection is, within seconds.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { produce, signsIn, stayConnected, type Login } from '../clients/kafka.ts';
import { becomes, expect, expectNoFaults, look, test } from '../fixtures.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique, url, viewer } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const service = `orders-${suffix}`;
const placed = `OrderRequested_${suffix}`;
const [owner, shop] = [`orders-${suffix}`, `shop-${suffix}`];
const space = `access-${suffix}`;
const path = `/apps/${shop}/environments/${space}`;

let page: Page;
let login: Login;
let topic = '';

const ask = (method: string, path: string, body?: object) => api(adminToken, method, path, body);
const button = (name: string) => page.getByRole('button', { name, exact: true });
const event = { id: `e-${suffix}`, type: placed, source: `/${shop}`, body: '{"orderId":"1"}' };

test.beforeAll(async ({ someone }) => {
  page = await someone();
  const message = { name: placed, payload: { type: 'object' } };
  const document = {
    asyncapi: '2.6.0',
    'x-ebm-service': service,
    info: { title: `Orders ${suffix}`, version: '1.0.0' },
    channels: { requests: { publish: { message } } },
  };
  const { topics } = await deployed(owner, space, { defines: [document] });
  topic = topics[0];
  login = await deployed(shop, space, { implements: [{ service, event: placed, access: 'publish' }] });
  await signIn(page, admin);
});

test('what is implemented without access is a finding', async () => {
  await expect.poll(() => signsIn(login)).toBe('yes');
  expect(await produce(login, topic, [event])).toBe('TOPIC_AUTHORIZATION_FAILED');
  await page.goto(`/access?q=${shop}&show=findings`);
  await expect(page.locator('#findings').getByRole('row', { name: new RegExp(placed) })).toContainText('Implemented but no access');
  await look(page);
  const { items } = await ask('GET', `/findings?app=${shop}`);
  expect(items).toMatchObject([{ service, event: placed, access: 'publish', finding: 'implemented-no-access' }]);
});

test('an admin grants it: the difference is shown, then Kafka opens', async () => {
  await page.goto(`/access/${shop}/${space}`);
  await page.getByRole('checkbox', { name: `Publish ${placed}` }).check();
  await button('Show the difference').click();
  await expect(page.getByText(`Publish ${placed} of ${service}`)).toBeVisible();
  await expect(page.getByRole('checkbox', { name: `Publish ${placed}` })).toBeChecked();
  await look(page);
  expect(await produce(login, topic, [event]), 'a draft changes nothing').toBe('TOPIC_AUTHORIZATION_FAILED');
  await button('Apply changes').click();
  await expect(page.getByText(`The access of ${shop}.${space} is changed.`)).toBeVisible();
  await expect.poll(() => produce(login, topic, [event]), { timeout: 20_000 }).toBe('sent');
});

test('a draft of what has changed meanwhile is not applied, and its ticks stay', async () => {
  await page.goto(`/access/${shop}/${space}`);
  await page.getByRole('checkbox', { name: `Publish ${placed}` }).uncheck();
  await button('Show the difference').click();
  await ask('PUT', `/spaces/${space}/grants`, { app: shop, env: space, service, event: placed, access: [] });
  await ask('PUT', `/spaces/${space}/grants`, { app: owner, env: space, service, event: placed, access: ['subscribe', 'publish'] });
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await button('Apply changes').click();
  expect((await answer).status()).toBe(409);
  await expect(page.getByText(/was changed meanwhile/)).toBeVisible();
  await expect(page.getByRole('checkbox', { name: `Publish ${placed}` })).not.toBeChecked();
});

test('taken away, Kafka refuses it', async () => {
  await expect.poll(() => produce(login, topic, [event]), { timeout: 20_000 }).toBe('TOPIC_AUTHORIZATION_FAILED');
  await ask('PUT', `/spaces/${space}/grants`, { app: shop, env: space, service, event: placed, access: ['publish'] });
  await expect.poll(() => produce(login, topic, [event]), { timeout: 20_000 }).toBe('sent');
});

test('rotated, the old password is refused and the new one taken', async () => {
  const old = login;
  await page.goto(path);
  await page.getByRole('link', { name: 'Rotate credentials' }).click();
  await button('Rotate credentials').click();
  const value = page.locator('dt', { hasText: /^Password$/ }).locator('xpath=following-sibling::dd[1]//code');
  login = { ...login, password: (await value.textContent()) ?? '' };
  await expect.poll(() => signsIn(login), { timeout: 20_000 }).toBe('yes');
  expect(await signsIn(old)).not.toBe('yes');
});

test('disabled, every request of a live connection is refused within five seconds', async () => {
  const live = await stayConnected(login, topic);
  await expect.poll(() => live.produce(event)).toBe('sent');
  await page.goto(path);
  await button('Disable').first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable', exact: true }).click();
  await expect(page.getByText(/is disabled for/)).toBeVisible();
  const began = Date.now();
  let said = 'sent';
  while (said === 'sent' && Date.now() - began < 10_000) said = await live.produce(event);
  const took = Date.now() - began;
  console.log(`a live connection was refused ${took} ms after the disable: ${said}`);
  expect(said).toBe('TOPIC_AUTHORIZATION_FAILED');
  expect(took).toBeLessThan(5_000);
  await live.end();
  await expect.poll(() => signsIn(login), { timeout: 20_000 }).not.toBe('yes');

  await button(`Enable ${space}`).click();
  await becomes('wasm', page.getByText('What is wanted here is in force on every broker.'));
  await expect.poll(() => produce(login, topic, [event]), { timeout: 20_000 }).toBe('sent');
});

test('a viewer sees access and the cluster, and can change none of it', async ({ someone }) => {
  const eyes = await someone();
  await signIn(eyes, viewer);
  await eyes.goto(`/access/${shop}/${space}`);
  await expect(eyes.getByRole('checkbox', { name: `Publish ${placed}` })).toBeDisabled();
  await expect(eyes.getByRole('button', { name: 'Show the difference' })).toHaveAttribute('aria-disabled', 'true');
  await look(eyes);
  await eyes.goto('/cluster');
  await expect(eyes.getByText('Kafka asks an authorizer before it lets anyone do anything.')).toBeVisible();
  await expect(eyes.getByRole('button', { name: 'Compare now' })).toHaveAttribute('aria-disabled', 'true');
  await look(eyes);
  for (const address of [`/access/${shop}/${space}`, '/cluster']) {
    const answer = await eyes.request.post(address, { headers: { origin: url }, form: { apply: '1', row: `${service}/${placed}` } });
    expect(answer.status(), address).toBe(403);
  }
});

test('the search finds things by what people call them', async () => {
  await page.goto('/');
  await page.keyboard.press('/');
  await page.keyboard.type(placed.slice(3));
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/search\?q=/);
  await page.getByRole('link', { name: placed }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(placed);
  await look(page);
  for (const [text, found] of [
    [`${shop}.${space}`, `${shop}.${space}`],
    [topic, `Orders ${suffix}`],
    [viewer.email, viewer.email],
  ]) {
    await page.goto(`/search?q=${encodeURIComponent(text)}`);
    await expect(page.getByRole('main').getByRole('link', { name: found }).first()).toBeVisible();
  }
  await look(page);
  await page.goto(`/search?q=${'x'.repeat(201)}`);
  await expect(page.getByText(/is too long/)).toBeVisible();
});
