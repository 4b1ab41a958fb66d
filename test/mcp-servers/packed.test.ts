import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOlderNode } from '../support/older-node.ts';
import { places, readConfigurations, readToolTable, startedBy } from './configurations.ts';
import { onTrial, type Trial } from './on-trial.ts';
import { type AnyClient, callTool, connectTo, type Revision, type StartedServer } from './speak.ts';

const root = join(import.meta.dirname, '../..');
const servers = join(root, 'mcp-servers');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const older = findOlderNode();
const ways = [
  ['1.x', '2025-11-25'],
  ['2.x', '2025-11-25'],
  ['2.x', '2026-07-28'],
] as const;

let scratch: string;
/** As a person's terminal has it after `npm install -g`, with an older Node.js. */
let path: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'shipmate-packed-'));
  execFileSync(process.execPath, [join(root, 'build/servers.mjs'), scratch], { stdio: 'pipe' });
  const tarball = join(scratch, `shipmate-mcp-${manifest.version}.tgz`);
  const prefix = join(scratch, 'prefix');
  // Without a registry: there is nothing that it would have to bring.
  execFileSync('npm', ['install', '-g', '--prefix', prefix, '--offline', '--no-audit', '--no-fund', tarball], {
    stdio: 'pipe',
  });
  path = [join(prefix, 'bin'), dirname(older.path), '/usr/bin', '/bin'].join(delimiter);
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('each server has its program, and is tried here', () => {
  const folders = readdirSync(servers).filter((name) => existsSync(join(servers, name, 'index.ts')));
  expect(Object.keys(onTrial).sort()).toEqual(folders);
  expect(Object.keys(manifest.bin).sort()).toEqual(['shipmate', ...folders.map((name) => `shipmate-mcp-${name}`)]);
  expect(readdirSync(join(scratch, 'prefix/bin')).sort()).toEqual(folders.map((name) => `shipmate-mcp-${name}`));
});

test('what others wrote has its license with it', () => {
  const installed = join(scratch, 'prefix/lib/node_modules/shipmate-mcp');
  const licenses = readFileSync(join(installed, 'LICENSES.txt'), 'utf8');
  for (const name of ['@modelcontextprotocol/sdk', 'zod', 'ajv']) expect(licenses).toContain(`\n${name} `);
  expect(readdirSync(installed)).toContain('LICENSE');
});

describe.each(Object.keys(onTrial))('%s', (name) => {
  const readme = readFileSync(join(servers, name, 'README.md'), 'utf8');
  const configurations = readConfigurations(readme);
  let trial: Trial;
  let env: Record<string, string>;

  beforeAll(async () => {
    const home = join(scratch, name);
    mkdirSync(home);
    trial = (await onTrial[name]?.(home)) as Trial;
    env = { PATH: path, HOME: home };
  });

  afterAll(() => trial.close());

  test('its README has a configuration for each client', () => {
    expect(configurations.map(({ where }) => where)).toEqual(places);
    expect(new Set(configurations.map((each) => each.name)).size).toBe(1);
  });

  test(`with Node.js ${older.version} and as its README says for each client, every kind of client speaks to it`, async () => {
    const person = { ...trial, env: { ...env, ...trial.env } };
    // What several clients start in the same way is started once.
    const byStart = Map.groupBy(configurations, (each) => JSON.stringify(startedBy(person, each)));
    const starts = [...byStart].map(([start, same]) => ({
      start: JSON.parse(start) as StartedServer,
      where: same.map(({ where }) => where).join(', '),
    }));
    for (let index = 0; index < Math.max(starts.length, ways.length); index += 1) {
      const { start, where } = starts[index % starts.length] as (typeof starts)[number];
      const [line, revision] = ways[index % ways.length] as (typeof ways)[number];
      const client = await connectTo(line, { ...start, env: { ...start.env, ...trial.aside } }, revision);
      try {
        await converse(client, revision, `${where}; ${line}, ${revision}`);
      } finally {
        await client.close();
      }
    }
  });

  async function converse(client: AnyClient, revision: Revision, how: string): Promise<void> {
    if ('getNegotiatedProtocolVersion' in client) expect(client.getNegotiatedProtocolVersion(), how).toBe(revision);
    expect(client.getServerVersion(), how).toEqual({ name: `shipmate-${name}`, version: manifest.version });
    expect(await argumentsOfTools(client), how).toEqual(readToolTable(readme));
    const { tool, args, said } = trial.call;
    const answer = await callTool(client, tool, args);
    expect(answer, how).toEqual({ text: expect.stringContaining(said), isError: false });
    // Their text is a file that has to be in the package.
    const { prompts } = client.getServerCapabilities()?.prompts ? await client.listPrompts() : { prompts: [] };
    for (const prompt of prompts) expect((await client.getPrompt({ name: prompt.name })).messages, how).toHaveLength(1);
  }

  test('its README names every option and variable that --help does, and no other option', () => {
    const [program = '', help] = [configurations[0]?.command, '--help'];
    const usage = execFileSync(program, [help], { encoding: 'utf8', env });
    const optionsOf = (text: string) => new Set(text.match(/--[a-z][a-z-]+(?= [A-Z])/g));
    expect(optionsOf(readme)).toEqual(optionsOf(usage));
    for (const variable of usage.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? []) expect(readme).toContain(`\`${variable}\``);
  });
});

/** As a table of tools says it. */
async function argumentsOfTools(client: AnyClient): Promise<Record<string, string[]>> {
  const { tools } = await client.listTools();
  return Object.fromEntries(
    tools.map(({ name, inputSchema: { properties = {}, required = [] } }) => [
      name,
      Object.keys(properties)
        .map((argument) => (required.includes(argument) ? argument : `${argument}?`))
        .sort(),
    ]),
  );
}
