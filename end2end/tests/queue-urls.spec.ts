// Addresses of queues that are refused in the wizard: the message stands beside the field, and nothing is written.

import type { Page } from '@playwright/test';
import { api } from '../clients/api.ts';
import { canonical, roles } from '../clients/aws.ts';
import { expect, expectNoFaults, look, test } from '../fixtures.ts';
import { landscape, type Landscape } from '../landscape.ts';
import { signIn } from '../people.ts';
import { account, admin, adminToken, region, unique } from '../settings.ts';

expectNoFaults();

const host = `sqs.${region}.amazonaws.com`;
const refused: [string, string][] = [
  ['Q02-http', `http://${host}/${account}/orders`],
  ['Q03-other-scheme', `ftp://${host}/${account}/orders`],
  ['Q04-userinfo', `https://${host}@evil.test/${account}/orders`],
  ['Q05-suffix-host', `https://${host}.evil.test/${account}/orders`],
  ['Q06-port', `https://${host}:8443/${account}/orders`],
  ['Q07-query', `https://${host}/${account}/orders?Action=SendMessage`],
  ['Q08-fragment', `https://${host}/${account}/orders#x`],
  ['Q09-address', `https://169.254.169.254/${account}/orders`],
  ['Q10-octal-ip', `https://0251.0376.0251.0376/${account}/orders`],
  ['Q11-v6-mapped', `https://[::ffff:169.254.169.254]/${account}/orders`],
  ['Q12-localhost', `https://localhost/${account}/orders`],
  ['Q13-fullwidth-dot', `https://sqs\uff0e${region}.amazonaws.com/${account}/orders`],
  ['Q14-region-mismatch', `https://sqs.eu-west-1.amazonaws.com/${account}/orders`],
  ['Q15-account', `https://${host}/${account.slice(1)}/orders`],
  ['Q16-name-81', canonical('a'.repeat(81))],
  ['Q17-star', canonical('*')],
  ['Q18-question-mark', canonical('or?ers')],
  ['Q19-policy-variable', canonical('${aws:username}')],
  ['Q20-quote-backslash', canonical('or"\\ders')],
  ['Q21-line-break', canonical('orders%0d%0aHost:evil.test')],
  ['Q26-legacy-host', `https://${region}.queue.amazonaws.com/${account}/orders`],
  ['empty', ''],
];

let page: Page;
let land: Landscape;
let bridge = '';

test.beforeAll(async ({ someone }) => {
  land = await landscape();
  page = await someone();
  await signIn(page, admin);
});

const field = () => page.getByRole('textbox', { name: `Queue URL to SQS, ${land.contract.sent}` });
const save = async (): Promise<number> => {
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: 'Save queues' }).click();
  return (await answer).status();
};

test('details of a bridge that break a rule are refused beside their fields', async () => {
  await page.goto('/bridges/new/details?kind=sqs');
  await page.getByLabel('Space').selectOption('test');
  await page.getByLabel('Name', { exact: true }).fill('Refused');
  await page.getByLabel('AWS region').fill('Frankfurt');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByLabel('AWS region')).toHaveValue('Frankfurt');
  await expect(page.getByLabel('AWS region')).toHaveAccessibleDescription(/eu-central-1/);
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Refused');
  await look(page);
});

test('a step of the wizard is not reached before the one ahead of it', async () => {
  expect((await page.goto('/bridges/new/details'))?.status()).toBe(409);
  await look(page);
});

test('the address of a queue that breaks a rule is refused beside its field, stays, and makes no role', async () => {
  test.setTimeout(120_000);
  await page.goto('/bridges/new/details?kind=sqs');
  await page.getByLabel('Space').selectOption('test');
  await page.getByLabel('Name', { exact: true }).fill(`Addresses ${unique()}`);
  await page.getByLabel('AWS region').fill(region);
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page).toHaveURL(/\/bridges\/[^/]+\/events$/);
  bridge = new URL(page.url()).pathname.split('/')[2];
  await page.getByRole('button', { name: 'Add business events' }).click();
  await page.getByRole('checkbox', { name: land.contract.sent }).check();
  await page.getByRole('button', { name: 'Add events' }).click();
  await page.getByRole('checkbox', { name: new RegExp(`^to SQS.*${land.contract.sent}`) }).check();

  for (const [name, url] of refused) {
    await test.step(name, async () => {
      await field().fill(url);
      expect(await save(), name).toBe(422);
      await expect(field()).toHaveValue(url);
      await expect(field()).toHaveAttribute('aria-invalid', 'true');
      await expect(field()).toHaveAccessibleDescription(/^(The queue URL .+|Give the URL of the queue)\.$/);
    });
  }
  await look(page);
  expect((await api(adminToken, 'GET', `/bridges/${bridge}`)).routes).toEqual([]);
  expect(await roles()).not.toContain(`ebm-${bridge}`);
});

test('Q01: the canonical address is taken, and a discarded draft takes its role along', async () => {
  await field().fill(canonical('orders'));
  await save();
  await expect(page.getByText(/The queues are saved/)).toBeVisible();
  await expect(field()).toHaveValue(canonical('orders'));
  expect(await roles()).toContain(`ebm-${bridge}`);

  await page.getByRole('button', { name: 'Discard draft' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await expect(page.getByText(/is discarded/)).toBeVisible();
  await expect.poll(roles, { timeout: 20_000 }).not.toContain(`ebm-${bridge}`);
});
