// Requests as no browser would send them: with the headers that are given, and no others.

import { request } from 'node:http';
import type { Page } from '@playwright/test';
import { url } from '../settings.ts';

export type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; text: string };

/** Posts a form. */
export function post(path: string, fields: Record<string, string>, headers: Record<string, string>): Promise<Answer> {
  const body = new URLSearchParams(fields).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method: 'POST', headers: { ...type, ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The cookies of a browser, as a header. */
export async function cookiesOf(page: Page): Promise<string> {
  const cookies = await page.context().cookies();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}
