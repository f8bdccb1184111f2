// A bridge in its second year: events come in over it, an app subscribes to them, and it is stopped, started and
// changed while it runs.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { createQueue, held, receive, send, setPolicy, type Queue } from '../clients/aws.ts';
import { consume, produce, rules, signsIn, type Login } from '../clients/kafka.ts';
import { becomes, expect, expectNoFaults, look, test } from '../fixtures.ts';
import { deployed } from '../landscape.ts';
import { signIn } from '../people.ts';
import { admin, adminToken, region, unique, url, viewer, worker } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const service = `claims-${suffix}`;
const asked = `ClaimAsked_${suffix}`;
const settled = `ClaimSettled_${suffix}`;
const [owner, reader] = [`claims-${suffix}`, `ledger-${suffix}`];
const name = `Partner ${suffix}`;
const space = `bridge-${suffix}`;

let page: Page;
let bridge = '';
let incoming: Queue;
let outgoing: Queue;
let topics: Record<string, string>;
let ownerLogin: Login;
let readerLogin: Login;

const ask = (method: string, path: string, body?: object) => api(adminToken, method, path, body);
const button = (name: string) => page.getByRole('button', { name, exact: true });
const status = () => page.locator('#bridge-status');

const document = {
  asyncapi: '2.6.0',
  'x-ebm-service': service,
  info: { title: `Claims ${suffix}`, version: '1.0.0' },
  channels: {
    asked: { publish: { message: { name: asked, payload: { type: 'object' } } } },
    settled: { subscribe: { message: { name: settled, payload: { type: 'object' } } } },
  },
};

test.beforeAll(async ({ someone }) => {
  page = await someone();
  ownerLogin = await deployed(owner, space, { defines: [document] });
  readerLogin = await deployed(reader, space, { implements: [{ service, event: settled, access: 'subscribe' }] });
  const { items } = await ask('GET', `/events?q=${suffix}`);
  topics = Object.fromEntries(
    items.map((event: any) => [event.name, `businessevents.${event.channel}.${space}`]),
  );
  incoming = await createQueue(`asked-${suffix}`);
  outgoing = await createQueue(`settled-${suffix}`);
  await signIn(page, admin);
});

test('an app that is deployed as subscriber consumes with credentials and a group of its own', async () => {
  const body = '{ "claim": 1.0, "naïve": "東京" }';
  const event = { id: `first-${suffix}`, type: settled, source: `/${owner}`, body };
  await expect.poll(() => produce(ownerLogin, topics[settled], [event])).toBe('sent');
  await expect.poll(() => signsIn(readerLogin)).toBe('yes');
  const consumer = await consume(readerLogin, topics[settled], `${reader}.${space}.ledger`);
  await expect.poll(() => consumer.got.length, { timeout: 30_000 }).toBe(1);
  await consumer.end();
  expect(consumer.got[0].body).toBe(body);
  expect(consumer.got[0].headers).toMatchObject({ ce_id: event.id, ce_type: settled, ce_source: `/${owner}` });
  expect(await produce(readerLogin, topics[settled], [event])).toBe('TOPIC_AUTHORIZATION_FAILED');
});

test('an inbound route is made in the wizard, with the statement for receiving', async () => {
  await page.goto('/bridges/new');
  await page.getByRole('radio', { name: 'AWS SQS' }).check();
  await button('Continue').click();
  await page.getByLabel('Space').selectOption(space);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('AWS region').fill(region);
  await button('Continue').click();
  await expect(page).toHaveURL(/\/bridges\/[^/]+\/events$/);
  bridge = new URL(page.url()).pathname.split('/')[2];

  await button('Add business events').click();
  await page.getByRole('checkbox', { name: asked }).check();
  await button('Add events').click();
  await expect(page.getByRole('checkbox', { name: new RegExp(`^from SQS.*${asked}`) })).toBeChecked();
  await page.getByRole('textbox', { name: `Queue URL from SQS, ${asked}` }).fill(incoming.canonical);
  await button('Save queues').click();
  await expect(page.getByText(/The queues are saved/)).toBeVisible();
  await look(page);

  const shown = await page.getByRole('region', { name: `Queue ${incoming.name}, from SQS` }).innerText();
  const statement = JSON.parse(shown);
  expect(statement.Action.toSorted()).toEqual([
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
  ]);
  await setPolicy(incoming, [statement]);
  await button('Check now').click();
  await expect(page.getByText('Checked: every queue is ready.')).toBeVisible();
  await look(page);
  await page.getByLabel('I have added these statements').check();
  await button('Start bridge').click();
  await becomes('wasm', status().getByText('Running'), 15_000);
});

test('a message of the queue arrives on the topic with its attributes and the same bytes, and is gone', async () => {
  const body = '{ "claim" : "c-1",\n "text":"Grüße, 東京 \u{1f680}",\t"amount":1.0 ,"big":12345678901234567890 }';
  const attributes = { ce_id: `in-${suffix}`, ce_source: '/partner', ce_specversion: '1.0', ce_type: asked };
  await send(incoming, body, { ...attributes, ce_subject: 'c-1', 'content-type': 'application/json' });
  const consumer = await consume(ownerLogin, topics[asked], `${owner}.${space}.intake`);
  await expect.poll(() => consumer.got.length, { timeout: 30_000 }).toBe(1);
  await consumer.end();
  expect(consumer.got[0].body).toBe(body);
  expect(consumer.got[0].headers).toMatchObject({ ...attributes, ce_subject: 'c-1' });
  expect(consumer.got[0].headers['content-type']).toBe('application/json');
  await expect.poll(() => held(incoming)).toBe(0);
  await becomes('wasm', page.getByRole('row', { name: new RegExp(asked) }).getByRole('cell', { name: '1', exact: true }));
});

test('what is not on the route becomes a dead letter, and the bridge goes on', async () => {
  await send(incoming, '{}', { ce_id: 'x', ce_source: '/partner', ce_specversion: '1.0', ce_type: 'Unheard' });
  await expect.poll(() => held(incoming), { timeout: 20_000 }).toBe(0);
  await becomes('wasm', page.getByText('1 event could not be delivered and is kept as a dead letter.'));
  await expect(status()).toHaveText(/Running/);
  await look(page);
});

test('a dead letter is looked at, sent again in vain, and thrown away', async () => {
  await page.getByRole('link', { name: 'See the dead letters' }).click();
  await look(page);
  await page.getByRole('table', { name: `Dead letters of ${name}` }).getByRole('link').first().click();
  await expect(page.getByRole('heading', { level: 1, name: /^Dead letter \d+$/ })).toBeVisible();
  await expect(page.getByRole('row', { name: 'ce_type Unheard' })).toBeVisible();
  await look(page);
  const { items } = await ask('GET', '/changes?q=dead-letter-read');
  expect(items[0]).toMatchObject({ actor: admin.email, object: { name } });

  await button('Send again').click();
  await expect(page.getByText(/is being sent again/)).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(page.getByText('Failed again')).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(page.getByText(/The event has the type Unheard/)).toBeVisible();

  await page.getByRole('link', { name: 'Delete all' }).click();
  await page.getByLabel('Type 1 to confirm').fill('2');
  await button('Delete dead letters').click();
  await expect(page.getByText(/must be the number of dead letters that go: 1/).first()).toBeVisible();
  await expect(page.getByLabel('Type 1 to confirm')).toHaveValue('2');
  await look(page);
  await page.getByLabel('Type 1 to confirm').fill('1');
  await button('Delete dead letters').click();
  await expect(page.getByText('1 dead letter is deleted.')).toBeVisible();
  await expect(page.getByText('No dead letters')).toBeVisible();
});

test('a dead letter is changed, sent again, and arrives where the route leads', async () => {
  const id = `mended-${suffix}`;
  const body = '{\r\n  "text": "Grüße" }';
  await send(incoming, body, { ce_id: id, ce_source: '/partner', ce_specversion: '1.0', ce_type: 'Misnamed' });
  await expect.poll(() => held(incoming), { timeout: 20_000 }).toBe(0);
  await page.goto(`/bridges/${bridge}/dead-letters`);
  await page.getByRole('table', { name: `Dead letters of ${name}` }).getByRole('link').first().click();
  await page.getByRole('link', { name: 'Change the event' }).click();
  const attributes = page.getByLabel('Attributes');
  const typed = await attributes.inputValue();
  await attributes.fill(typed.replace(/^ce_source: .*$/m, ''));
  await look(page);
  await button('Save the event').click();
  await expect(page.getByText(/cannot be delivered like this: it is not a CloudEvent: source/).first()).toBeVisible();
  await attributes.fill(typed.replace('Misnamed', asked));
  await button('Save the event').click();
  await expect(page.getByText('The event was changed since it came.')).toBeVisible();
  await look(page);
  await button('Send again').click();
  const consumer = await consume(ownerLogin, topics[asked], `${owner}.${space}.mended`);
  await expect
    .poll(() => consumer.got.find((event) => event.headers.ce_id === id)?.body, { timeout: 30_000 })
    .toBe(body);
  await consumer.end();
});

test('stopped, it leaves messages where they are, and started again it goes on', async () => {
  await page.goto(`/bridges/${bridge}`);
  await button('Stop').click();
  await becomes('wasm', status().getByText('Stopped'), 30_000);
  const attributes = { ce_id: `late-${suffix}`, ce_source: '/partner', ce_specversion: '1.0', ce_type: asked };
  await send(incoming, '{"late":true}', attributes);
  expect(await held(incoming)).toBe(1);
  await look(page);
  await button('Start').click();
  await becomes('wasm', status().getByText('Running'), 15_000);
  await expect.poll(() => held(incoming), { timeout: 20_000 }).toBe(0);
  const row = page.getByRole('row', { name: new RegExp(asked) });
  await becomes('wasm', row.getByRole('cell', { name: '3', exact: true }));
});

test('changed while it runs, it keeps what it had until the change can be used', async () => {
  await page.goto(`/bridges/${bridge}/events`);
  await button('Save queues').last().click();
  await expect(page.getByText('Nothing was changed.')).toBeVisible();

  await button('Add business events').click();
  await page.getByRole('checkbox', { name: settled }).check();
  await button('Add events').click();
  await expect(page.getByText('Added', { exact: true })).toBeVisible();
  await button(`Remove ${asked}`).click();
  await expect(page.getByText(`1 added. Removed: ${asked}.`)).toBeVisible();
  await page.getByRole('textbox', { name: `Queue URL to SQS, ${settled}` }).fill(outgoing.canonical);
  await look(page);
  await button('Save queues').last().click();
  await expect(page.getByText(/The queues are saved/)).toBeVisible();

  await test.step('without the new statement the old configuration stays in use, and the reason is shown', async () => {
    await page.goto(`/bridges/${bridge}`);
    await becomes('wasm', page.getByText(/The new configuration is not in use, the one before it is/), 30_000);
    await expect(status()).toHaveText(/Running/);
    const attributes = { ce_id: `still-${suffix}`, ce_source: '/partner', ce_specversion: '1.0', ce_type: asked };
    await send(incoming, '{}', attributes);
    await expect.poll(() => held(incoming), { timeout: 20_000 }).toBe(0);
  });

  await test.step('with it the bridge goes over to the new one by itself, and gives up what it no longer needs', async () => {
    const { queues } = await ask('GET', `/bridges/${bridge}/policy`);
    const mine = queues.find((queue: any) => queue.queue_url === outgoing.canonical);
    await setPolicy(outgoing, [JSON.parse(mine.statement)]);
    await becomes('wasm', page.getByText('It moves events.'), 60_000);
    const event = { id: `out-${suffix}`, type: settled, source: `/${owner}`, body: '{"claim":"c-9"}' };
    expect(await produce(ownerLogin, topics[settled], [event])).toBe('sent');
    const messages = await receive(outgoing, 15);
    expect(messages.map((message) => message.Body)).toEqual([event.body]);
    await expect(page.getByRole('row', { name: new RegExp(asked) })).toHaveCount(0);
    const left = async () => (await rules(worker)).filter((rule) => rule.name === topics[asked]);
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
  });
});

test('a viewer sees the bridge and can change nothing of it', async ({ someone }) => {
  const eyes = await someone();
  await signIn(eyes, viewer);
  await eyes.goto(`/bridges/${bridge}`);
  await expect(eyes.locator('#bridge-status')).toHaveText(/Running/);
  for (const act of ['Edit events and queues', 'Delete', 'Stop'])
    await expect(eyes.getByRole('button', { name: act, exact: true })).toHaveAttribute('aria-disabled', 'true');
  await look(eyes);
  for (const act of ['stop', 'start', 'check', 'delete', 'events']) {
    const answer = await eyes.request.post(`/bridges/${bridge}/${act}`, { headers: { origin: url }, form: { version: 1 } });
    expect(answer.status(), act).toBe(403);
  }
  expect((await ask('GET', `/bridges/${bridge}`)).desired).toBe('running');
});

test.afterAll(async () => {
  if (bridge) await ask('DELETE', `/bridges/${bridge}`);
});
