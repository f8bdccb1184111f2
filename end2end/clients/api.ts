// The API, as pipelines call it.

import { url } from '../settings.ts';

/** Calls the API and takes nothing but success for an answer. */
export async function api(token: string, method: string, path: string, body?: object): Promise<any> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (body) headers['content-type'] = 'application/json';
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}
