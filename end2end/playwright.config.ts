import { defineConfig } from '@playwright/test';
import type { Options } from './fixtures.ts';

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const story = 'story.spec.ts';
const other = 'firefox.spec.ts';
const firefox = { executablePath: process.env.PLAYWRIGHT_FIREFOX || '/usr/bin/firefox-esr' };

export default defineConfig<object, Options>({
  testDir: 'tests',
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: process.env.EBM_URL,
    locale: 'en-GB',
    actionTimeout: 15_000,
    screenshot: 'only-on-failure',
    launchOptions: { executablePath: process.env.PLAYWRIGHT_CHROMIUM || '/usr/bin/chromium', args },
  },
  projects: [
    { name: 'setup', testMatch: 'first-admin.setup.ts' },
    { name: 'chromium', testMatch: story, dependencies: ['setup'] },
    { name: 'no-wasm', testMatch: story, dependencies: ['setup'], use: { how: 'no-wasm' } },
    { name: 'no-script', testMatch: story, dependencies: ['setup'], use: { how: 'no-script' } },
    { name: 'checks', testIgnore: [story, other, /setup/], testMatch: /spec/, dependencies: ['setup'] },
    {
      name: 'firefox',
      testMatch: other,
      dependencies: ['setup'],
      // Debian's, which Playwright drives by WebDriver BiDi.
      use: { browserName: 'firefox', channel: 'moz-firefox', launchOptions: firefox },
    },
  ],
});
