// An environment is moved to another Space: what is gained and lost is shown first, then Kafka follows.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { consume, produce, signsIn, type Login } from '../clients/kafka.ts';
import { asyncapi, contractOf } from '../contract.ts';
import { becomes, expect, expectNoFaults, look, test } from '../fixtures.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, unique, url, viewer } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const [owner, reader] = [`sales-${suffix}`, `billing-${suffix}`];
const [here, there] = [`east-${suffix}`, `west-${suffix}`];
const contract = contractOf(suffix);
const path = `/apps/${owner}/environments/${here}`;

let page: Page;
let login: Login;
let readerLogin: Login;
let topic = '';

const ask = (method: string, path: string, body?: object) => api(adminToken, method, path, body);
const button = (name: string) => page.getByRole('button', { name, exact: true });

test.beforeAll(async ({ someone }) => {
  page = await someone();
  const { topics, ...credentials } = await deployed(owner, here, { defines: [asyncapi(contract)] });
  [topic, login] = [topics[0], credentials];
  readerLogin = await deployed(reader, here, {
    implements: [{ service: contract.service, event: contract.sent, access: 'subscribe' }],
  });
  await signIn(page, admin);
});

test('a Space is made by hand, and its page leads on', async () => {
  await page.goto('/spaces');
  await page.getByRole('link', { name: 'New Space' }).click();
  await page.getByLabel('Name').fill(`${there}.`);
  await button('Make the Space').click();
  await expect(page.getByLabel('Name')).toHaveAccessibleDescription(/letters, digits/i);
  await expect(page.getByLabel('Name')).toHaveValue(`${there}.`);
  await look(page);
  await page.getByLabel('Name').fill(there);
  await button('Make the Space').click();
  await expect(page.getByText(`The Space ${there} is made.`)).toBeVisible();
  await look(page);
});

test('the page of a Space draws what flows, and each node leads to its page', async () => {
  await page.goto(`/spaces/${here}`);
  const drawing = page.getByRole('region', { name: 'What flows in this Space' });
  await expect(drawing.getByRole('link', { name: `${owner}.${here}, publishes` })).toBeVisible();
  await expect(drawing.getByRole('link', { name: `${reader}.${here}, subscribes` })).toBeVisible();
  await look(page);
  await drawing.getByRole('link', { name: `${owner}.${here}, publishes` }).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(path);
});

test('a move is rehearsed, applied, and followed by Kafka', async () => {
  const event = { id: `a-${suffix}`, type: contract.sent, source: `/${owner}`, body: '{"orderId":"1"}' };
  await expect.poll(() => signsIn(login)).toBe('yes');
  await expect.poll(() => produce(login, topic, [event])).toBe('sent');

  await page.goto(path);
  await page.getByRole('link', { name: 'Reassign', exact: true }).click();
  await page.getByLabel('To the Space').selectOption(there);
  await button('Show what would change').click();
  await expect(page).toHaveURL(`${path}/space?to=${there}`);
  await expect(page.locator('#kept')).toContainText(contract.sent);
  await expect(page.locator('#peers')).toContainText(`${reader}.${here}`);
  await look(page);
  await button(`Move to ${there}`).click();
  await expect(page.getByText(`${owner}.${here} is in the Space ${there} now; it was in ${here}.`)).toBeVisible();
  await becomes('wasm', page.getByText('What is wanted here is in force on every broker.'));
  await look(page);

  const moved = topic.replace(/[^.]+$/, there);
  await expect.poll(() => produce(login, moved, [event])).toBe('sent');
  expect(await produce(login, topic, [event])).toBe('TOPIC_AUTHORIZATION_FAILED');
  const consumer = await consume(readerLogin, topic, `${reader}.${here}.left`);
  await expect.poll(() => consumer.got.length, { timeout: 30_000 }).toBe(1);
  await consumer.end();
});

test('what it rests on has changed meanwhile: nothing is moved, and the page shows how it is now', async () => {
  await page.goto(`${path}/space?to=${here}`);
  const report = { version: '2', deployed_at: new Date().toISOString(), defines: [], implements: [] };
  await ask('PUT', `${path}/deployment?wait=20`, report);
  await ask('PUT', path, { name: 'Another name' });
  await ask('PUT', `${path}/broker`, { enabled: false });
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await button(`Move to ${here}`).click();
  expect((await answer).status()).toBe(409);
  await expect(page.getByText(/What this move rests on has changed/)).toBeVisible();
  expect((await ask('GET', path)).space).toBe(there);
  await ask('PUT', `${path}/broker`, { enabled: true });
});

test('while nothing newer was done, a move is undone with one click', async () => {
  await page.goto(`${path}/space?to=${here}`);
  await button(`Move to ${here}`).click();
  await expect(page.getByText(`It was moved here from ${there}.`)).toBeVisible();
  await button('Undo the move').click();
  await expect(page.getByText(`${owner}.${here} is in the Space ${there} now; it was in ${here}.`)).toBeVisible();
});

test('a viewer sees the Spaces and can move nothing', async ({ someone }) => {
  const eyes = await someone();
  await signIn(eyes, viewer);
  await eyes.goto(path);
  await expect(eyes.getByRole('button', { name: 'Reassign', exact: true })).toHaveAttribute('aria-disabled', 'true');
  await eyes.goto('/spaces');
  await expect(eyes.getByRole('button', { name: 'New Space' })).toHaveAttribute('aria-disabled', 'true');
  for (const address of [`${path}/space`, '/new-space', `/spaces/${there}/delete`]) {
    const answer = await eyes.request.post(address, { headers: { origin: url }, form: { name: 'x', to: 'y' } });
    expect(answer.status(), address).toBe(403);
  }
});

test('an empty Space is deleted by its name', async () => {
  await ask('PUT', `/spaces/gone-${suffix}`, {});
  await page.goto(`/spaces/gone-${suffix}`);
  await page.getByRole('link', { name: 'Delete Space' }).click();
  await page.getByLabel(`Type gone-${suffix} to confirm`).fill('another');
  await button('Delete Space').click();
  await expect(page.getByLabel(`Type gone-${suffix} to confirm`)).toHaveAccessibleDescription(/Type the name exactly/);
  await look(page);
  await page.getByLabel(`Type gone-${suffix} to confirm`).fill(`gone-${suffix}`);
  await button('Delete Space').click();
  await expect(page.getByText(`The Space gone-${suffix} is deleted.`)).toBeVisible();
});
