// The whole way, from an app that nobody knows to its event in a queue of AWS. What the console says is
// checked past it: in Kafka with a client of its own, in AWS with another.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { createQueue, receive, roles, setPolicy, type Queue } from '../clients/aws.ts';
import { produce, rules, signsIn, topics, type Login } from '../clients/kafka.ts';
import { hasScramUser } from '../clients/scram.ts';
import { asyncapi, contractOf } from '../contract.ts';
import { becomes, expect, expectNoFaults, look, test } from '../fixtures.ts';
import { setPassword, signIn } from '../people.ts';
import { account, brokers, firstAdmin, region, unique, worker } from '../settings.ts';

test.describe.configure({ mode: 'serial' });
expectNoFaults();

const suffix = unique();
const app = `shop-${suffix}`;
const user = `${app}.acceptance`;
const email = `contact-${suffix}@example.test`;
const contract = contractOf(suffix);
const bridgeName = `Orders to ERP ${suffix}`;

let admin: Page;
let contact: Page;
let acceptance: Login;
let production: Login;
let token = '';
let channel = '';
let topic = '';
let queue: Queue;
let bridge = '';

test.beforeAll(async ({ someone }) => {
  admin = await someone();
  contact = await someone();
});

const environmentPath = (key: string) => `/apps/${app}/environments/${key}`;
const heading = (page: Page) => page.getByRole('heading', { level: 1 });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const link = (page: Page, name: string) => page.getByRole('link', { name, exact: true });

/** Presses a button that answers with a secret, and gives the answer's headers. */
async function pressForSecret(page: Page, name: string): Promise<void> {
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await button(page, name).click();
  expect((await answer).status()).toBe(200);
  expect((await answer).headers()['cache-control']).toBe('no-store');
}

/** Enables an environment and makes credentials for it. */
async function credentials(key: string): Promise<Login> {
  await contact.goto(environmentPath(key));
  await pressForSecret(contact, 'Create credentials');
  await expect(heading(contact)).toHaveText('New credentials');
  const value = (label: string) =>
    contact.locator('dt', { hasText: new RegExp(`^${label}$`) }).locator('xpath=following-sibling::dd[1]//code');
  return {
    username: (await value('User').textContent()) ?? '',
    password: (await value('Password').textContent()) ?? '',
  };
}

test('an admin signs in and registers an app with two environments and a technical contact', async () => {
  await signIn(admin, firstAdmin);
  await look(admin);

  await admin.goto('/apps');
  await link(admin, 'Register app').first().click();
  await admin.getByLabel('Key').fill(app);
  await admin.getByLabel('Name').fill(`Shop ${suffix}`);
  await admin.getByLabel('Technical contacts').fill(email);
  await look(admin);
  await pressForSecret(admin, 'Register app');
  const once = await admin.getByRole('region', { name: `One-time link for ${email}` }).innerText();
  await look(admin);

  for (const [key, name] of [
    ['acceptance', 'Acceptance'],
    ['production', 'Production'],
  ]) {
    await admin.goto(`/apps/${app}`);
    await link(admin, 'Register environment').first().click();
    await admin.getByLabel('Key').fill(key);
    await admin.getByLabel('Name').fill(name);
    await button(admin, 'Register environment').click();
    await expect(admin.getByText(`${app}.${key} is registered.`)).toBeVisible();
  }
  await look(admin);

  await test.step('the contact comes in by the link, which is not shown again', async () => {
    await setPassword(contact, once.trim(), `the password of ${suffix}`);
    await expect(heading(contact)).toBeVisible();
    await admin.goto(`/apps/${app}`);
    await expect(admin.getByText(email)).toBeVisible();
    expect(await admin.content()).not.toContain(once.trim());
  });
});

test('enabling the app alone does nothing in Kafka, and the page says what is missing', async () => {
  await contact.goto(`/apps/${app}`);
  await button(contact, 'Enable for this app').click();
  await expect(contact.getByText(`The event broker is enabled for ${app}.`)).toBeVisible();
  await expect(contact.getByText(/none of its environments is: nothing happens in Kafka yet/)).toBeVisible();
  await look(contact);

  await contact.goto(environmentPath('acceptance'));
  await expect(contact.getByText(/this environment is not: nothing happens in Kafka yet/)).toBeVisible();
  await expect(button(contact, 'Create credentials')).toHaveAttribute('aria-disabled', 'true');

  expect(await hasScramUser(user)).toBe(false);
  expect(await rules(user)).toEqual([]);
  expect(await topics(suffix)).toEqual([]);
});

test('an environment that is enabled too joins the Space of its name, and shows no secret', async ({ how }) => {
  await contact.goto(environmentPath('acceptance'));
  await button(contact, 'Enable acceptance').click();
  await expect(contact.getByText(`The event broker is enabled for ${user}.`)).toBeVisible();
  await expect(contact.getByText('It is in the Space acceptance.')).toBeVisible();
  await expect(contact.getByText(how === 'wasm' ? 'Live' : 'Reload to see changes', { exact: true })).toBeVisible();
  await becomes(how, contact.getByText('What is wanted here is in force on every broker.'));
  await look(contact);
  expect(await hasScramUser(user)).toBe(false);
});

test('credentials are shown once, in four forms, and Kafka takes them', async ({ how }) => {
  acceptance = await credentials('acceptance');
  expect(acceptance.username).toBe(user);
  for (const form of ['client.properties', 'Environment variables', 'Constants of the Mendix Business Events module'])
    await expect(contact.getByRole('region', { name: form })).toContainText(acceptance.password);
  const properties = await contact.getByRole('region', { name: 'client.properties' }).innerText();
  const servers = /^bootstrap\.servers=(.*)$/m.exec(properties)?.[1].split(',') ?? [];
  expect(servers).toEqual(brokers);
  await look(contact);

  await expect.poll(() => signsIn(acceptance, servers)).toBe('yes');
  expect(await hasScramUser(user)).toBe(true);
  expect(await signsIn({ ...acceptance, password: 'another' }, servers)).not.toBe('yes');

  await link(contact, 'I have copied them').click();
  await expect(contact).toHaveURL(environmentPath('acceptance'));
  for (const path of [environmentPath('acceptance'), `/apps/${app}`]) {
    await contact.goto(path);
    expect(await contact.content()).not.toContain(acceptance.password);
  }
  await contact.goto(environmentPath('acceptance'));
  await becomes(how, contact.getByText('What is wanted here is in force on every broker.'));
});

test('a pipeline reports a deployment with a deploy token, and its service, events and channel appear', async ({
  how,
}) => {
  await contact.goto(environmentPath('acceptance'));
  await link(contact, 'Create deploy token').click();
  await contact.getByLabel('Name').fill(`pipeline of ${suffix}`);
  await look(contact);
  await pressForSecret(contact, 'Create deploy token');
  token = (await contact.getByRole('region', { name: 'Deploy token' }).last().innerText()).trim();
  expect(token).toMatch(/^ebm_/);
  await look(contact);

  await link(contact, 'I have copied it').click();
  await expect(contact.getByRole('rowheader', { name: `pipeline of ${suffix}` })).toBeVisible();
  expect(await contact.content()).not.toContain(token);

  const report = await api(token, 'PUT', `/apps/${app}/environments/acceptance/deployment`, {
    version: '1.2.0',
    deployed_at: new Date().toISOString(),
    defines: [asyncapi(contract)],
    implements: [],
  });
  topic = report.topics[0].topic;
  expect(topic).toMatch(/^businessevents\.[0-9a-f-]{36}\.acceptance$/);
  channel = topic.split('.')[1];

  // Nobody has touched the page since.
  if (how === 'wasm') await expect(contact.getByText(/Version 1\.2\.0/)).toBeVisible();
  await contact.goto(environmentPath('acceptance'));
  await expect(contact.getByRole('row', { name: new RegExp(contract.sent) })).toContainText('As implemented');
  await becomes(how, contact.getByText('What is wanted here is in force on every broker.'));
  await look(contact);

  await test.step('Kafka has the topic, and rules that name it letter by letter', async () => {
    expect(await topics(channel)).toEqual([topic]);
    const own = await rules(user);
    const common = { permission: 'ALLOW', host: '*' };
    const onTopic = { type: 'TOPIC', pattern: 'LITERAL', ...common };
    expect(own).toContainEqual({ name: topic, operation: 'WRITE', ...onTopic });
    expect(own.filter((rule) => rule.type === 'TOPIC' && rule.pattern !== 'LITERAL')).toEqual([]);
    expect(own.filter((rule) => rule.permission !== 'ALLOW' || rule.name === '*')).toEqual([]);
    for (const group of own.filter((rule) => rule.type === 'GROUP')) expect(group.name).toBe(`${user}.`);
    expect(own.filter((rule) => !['TOPIC', 'GROUP'].includes(rule.type))).toEqual([]);
  });
});

test('the app publishes with its credentials, and Kafka refuses an environment of another Space', async () => {
  const event = { id: `first-${suffix}`, type: contract.sent, source: `/${app}`, body: '{"orderId":"1"}' };
  await expect.poll(() => produce(acceptance, topic, [event])).toBe('sent');

  await contact.goto(environmentPath('production'));
  await button(contact, 'Enable production').click();
  await expect(contact.getByText('It is in the Space production.')).toBeVisible();
  production = await credentials('production');
  await expect.poll(() => signsIn(production)).toBe('yes');
  expect(await produce(production, topic, [event])).toBe('TOPIC_AUTHORIZATION_FAILED');
});

test('service, events, channel and Space are found in the console', async () => {
  await contact.goto(`/services?q=${contract.service}`);
  await expect(contact.getByText(contract.service, { exact: true })).toBeVisible();
  await look(contact);

  await contact.goto(`/events?q=${contract.service}`);
  for (const name of [contract.sent, contract.other])
    await expect(contact.getByRole('group', { name: `Attributes of ${name}` })).toContainText('orderId');
  await look(contact);

  await contact.goto(`/channels?q=${contract.service}`);
  await contact.getByRole('rowheader', { name: contract.service }).getByRole('link').click();
  await expect(contact).toHaveURL(`/channels/${channel}`);
  await expect(contact.getByText(topic).first()).toBeVisible();
  await look(contact);

  await contact.goto('/spaces');
  await link(contact, 'acceptance').first().click();
  await expect(contact).toHaveURL('/spaces/acceptance');
  await expect(contact.getByRole('rowheader', { name: user }).getByRole('link')).toBeVisible();
  await look(contact);
});

test('a bridge is drafted in three steps, and names the statement that its queue needs', async () => {
  queue = await createQueue(`orders-${suffix}`);
  await contact.goto('/bridges');
  await look(contact);
  await link(contact, 'New bridge').first().click();

  await contact.getByRole('radio', { name: 'AWS SQS' }).check();
  await look(contact);
  await button(contact, 'Continue').click();

  await contact.getByLabel('Space').selectOption('acceptance');
  await contact.getByLabel('Name').fill(bridgeName);
  await contact.getByLabel('AWS region').fill(region);
  await look(contact);
  await button(contact, 'Continue').click();
  await expect(contact).toHaveURL(/\/bridges\/[^/]+\/events$/);
  bridge = new URL(contact.url()).pathname.split('/')[2];
  await look(contact);

  await button(contact, 'Add business events').click();
  await contact.getByRole('checkbox', { name: contract.sent }).check();
  await look(contact);
  await button(contact, 'Add events').click();

  await contact.getByRole('checkbox', { name: new RegExp(`^to SQS.*${contract.sent}`) }).check();
  await contact.getByRole('textbox', { name: `Queue URL to SQS, ${contract.sent}` }).fill(queue.canonical);
  await button(contact, 'Save queues').click();
  await expect(contact.getByText(/The queues are saved/)).toBeVisible();
  await look(contact);

  const role = `arn:aws:iam::${account}:role/event-broker/ebm-${bridge}`;
  expect(await roles()).toContain(`ebm-${bridge}`);
  const shown = await contact.getByRole('region', { name: `Queue ${queue.name}, to SQS` }).innerText();
  const statement = JSON.parse(shown);
  expect(statement).toMatchObject({ Effect: 'Allow', Principal: { AWS: role }, Resource: queue.arn });
  expect(statement.Action.toSorted()).toEqual(['sqs:GetQueueAttributes', 'sqs:SendMessage']);
  expect(statement.Sid).toMatch(/^[A-Za-z0-9]+$/);

  for (const form of ['Terraform', 'CloudFormation']) {
    await link(contact, form).click();
    await expect(contact.getByRole('region', { name: `Queue ${queue.name}, to SQS` })).toContainText(role);
    await expect(contact.getByText('It must not stand alone')).toBeVisible();
    await look(contact);
  }

  await test.step('without the statement the check says what is missing', async () => {
    await contact.goto(`/bridges/${bridge}/events`);
    await button(contact, 'Check now').click();
    const row = contact.getByRole('row', { name: /^sqs:GetQueueAttributes/ });
    await expect(row).toContainText(/Missing|Not visible yet/);
    await look(contact);
  });

  await setPolicy(queue, [statement]);
});

test('the bridge is checked and started, and its steps go by until it runs', async ({ how }) => {
  await contact.goto(`/bridges/${bridge}/events`);
  await button(contact, 'Check now').click();
  await expect(contact.getByText('Checked: every queue is ready.')).toBeVisible();
  await look(contact);
  await contact.getByLabel('I have added these statements').check();
  await button(contact, 'Start bridge').click();

  await expect(contact).toHaveURL(`/bridges/${bridge}`);
  await becomes(how, contact.getByRole('list', { name: 'Steps of the start' }));
  await becomes(how, contact.locator('#bridge-status').getByText('Running'), 15_000);
  await look(contact);
  expect(await roles()).toContain(`ebm-${bridge}`);
});

test('an event reaches the queue byte by byte, and events of another type do not', async ({ how }) => {
  const source = `/${app}/bestellungen`;
  const body = '{ "orderId" : "a-1",\n  "naïve":"Grüße, 東京 \u{1f680}",\t"amount":1.0 ,"big":12345678901234567890 }';
  const sent = [
    { id: `other-${suffix}`, type: contract.other, source, body: '{"orderId":"a-0"}' },
    { id: `sent-${suffix}`, type: contract.sent, source, body },
  ];
  expect(await produce(acceptance, topic, sent)).toBe('sent');

  const messages = await receive(queue, 15);
  expect(messages).toHaveLength(1);
  const [message] = messages;
  expect(message.Body).toBe(body);
  const attributes = Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, value.StringValue]),
  );
  expect(attributes).toMatchObject({
    ce_id: `sent-${suffix}`,
    ce_source: source,
    ce_specversion: '1.0',
    ce_type: contract.sent,
  });
  // Both went through one partition, so the other was there before.
  expect(await receive(queue)).toEqual([]);

  await contact.goto(`/bridges/${bridge}`);
  const row = contact.getByRole('row', { name: new RegExp(contract.sent) });
  await becomes(how, row.getByRole('cell', { name: '1', exact: true }));
  await contact.goto('/bridges');
  await expect(contact.getByRole('row', { name: new RegExp(bridgeName) })).toContainText('Running');
  await look(contact);
});

test('a deleted bridge leaves nothing in AWS and no access in Kafka', async () => {
  const ofBridge = async () =>
    (await rules(worker)).filter((rule) => rule.name === topic || rule.name.includes(bridge));
  expect(await ofBridge()).not.toEqual([]);

  await contact.goto(`/bridges/${bridge}`);
  await button(contact, 'Delete').click();
  const dialog = contact.getByRole('dialog', { name: `Delete the bridge “${bridgeName}”?` });
  await look(contact);
  await dialog.getByRole('textbox').fill(bridgeName);
  await button(contact, 'Delete bridge').click();
  await expect(contact.getByText(`${bridgeName} is being taken away.`)).toBeVisible();

  await expect.poll(roles, { timeout: 20_000 }).not.toContain(`ebm-${bridge}`);
  await expect.poll(ofBridge, { timeout: 20_000 }).toEqual([]);
  await expect
    .poll(async () => (await contact.goto(`/bridges/${bridge}`))?.status(), { timeout: 20_000 })
    .toBe(404);
  await look(contact);
});
