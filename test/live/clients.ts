import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Answer, Asked } from './model.ts';
import { capturedOf, type LiveClient, reports } from './reports.ts';

const run = promisify(execFile);

export interface Surroundings {
  /** Where the clients' packages are. */
  packages: string;
  home: string;
  clone: string;
  modelUrl: string;
  env: Record<string, string>;
}

interface Driven {
  package: string;
  /** With settings that a person has after signing in, and nothing that calls home. */
  start(at: Surroundings, words: string): Promise<{ args: string[]; env: Record<string, string> }>;
  /** How its model reaches the tool, from what it is offered. */
  call(asked: Asked, input: Record<string, unknown>): Answer;
}

/** Of the instructions: a request that holds them is the command's. */
export const firstWords = 'Make a ticket of what the user reports';

const toolName = /[\w-]*make_ticket$/;

/** The tool as the request offers it, under whichever name. */
function offered({ body }: Asked): string | undefined {
  const tools = (body.tools ?? []) as Record<string, unknown>[];
  const names = tools.flatMap((tool) => {
    const functions = (tool.functionDeclarations ?? [tool.function ?? tool]) as { name?: string }[];
    return functions.map(({ name }) => name ?? '');
  });
  return names.find((name) => toolName.test(name));
}

function callOffered(asked: Asked, input: Record<string, unknown>): Answer {
  const name = offered(asked);
  return name === undefined ? { text: 'No tool make_ticket is offered.' } : { calls: [{ name, input }] };
}

export const driven: Record<LiveClient, Driven> = {
  claude: {
    package: '@anthropic-ai/claude-code',
    start: async ({ modelUrl }, words) => ({
      args: ['-p', `/make-ticket ${words}`],
      env: { ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: 'none', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
    }),
    call: (asked, input) =>
      offered(asked) === undefined
        ? { calls: [{ name: 'ToolSearch', input: { query: 'make_ticket', max_results: 5 } }] }
        : callOffered(asked, input),
  },
  codex: {
    package: '@openai/codex',
    async start({ home, clone, modelUrl }, words) {
      await mkdir(join(home, '.codex'), { recursive: true });
      const config = `model = "gpt-5.5"
model_provider = "loopback"
check_for_update_on_startup = false
[model_providers.loopback]
name = "loopback"
base_url = "${modelUrl}/v1"
env_key = "MODEL_KEY"
wire_api = "responses"
[projects."${clone}"]
trust_level = "trusted"
[analytics]
enabled = false
[features]
plugins = false
apps = false
`;
      await writeFile(join(home, '.codex', 'config.toml'), config);
      return { args: ['exec', `$make-ticket ${words}`], env: { MODEL_KEY: 'none' } };
    },
    call: ({ text }, input) =>
      text.includes('"tool_search_output"')
        ? { calls: [{ name: 'make_ticket', namespace: 'mcp__shipmate', input }] }
        : { calls: [{ name: 'tool_search', input: { query: 'make_ticket' } }] },
  },
  opencode: {
    package: 'opencode-ai',
    start: async ({ modelUrl }, words) => ({
      args: ['run', '--command', 'make-ticket', words],
      env: {
        OPENCODE_CONFIG_CONTENT: JSON.stringify({
          model: 'loopback/any',
          provider: {
            loopback: {
              npm: '@ai-sdk/openai-compatible',
              options: { baseURL: `${modelUrl}/v1`, apiKey: 'none' },
              models: { any: {} },
            },
          },
        }),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
      },
    }),
    call: callOffered,
  },
  gemini: {
    package: '@google/gemini-cli',
    async start({ home, modelUrl }, words) {
      await mkdir(join(home, '.gemini'), { recursive: true });
      const settings = {
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
      };
      await writeFile(join(home, '.gemini', 'settings.json'), JSON.stringify(settings));
      return {
        args: ['-m', 'any', '--approval-mode', 'yolo', '-p', `/make-ticket ${words}`],
        env: { GEMINI_API_KEY: 'none', GOOGLE_GEMINI_BASE_URL: modelUrl, GEMINI_CLI_TRUST_WORKSPACE: 'true' },
      };
    },
    call: callOffered,
  },
};

/** From the registry, with their install scripts; npm's cache makes the second time quick. */
export async function installClients(packages: string, clients: readonly LiveClient[]): Promise<string[]> {
  await mkdir(packages, { recursive: true });
  const names = clients.map((client) => driven[client].package);
  const allowScripts = Object.fromEntries(names.map((name) => [name, true]));
  await writeFile(join(packages, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  await run('npm', ['install', '--no-audit', '--no-fund', ...names.map((name) => `${name}@latest`)], {
    cwd: packages,
    maxBuffer: 1e8,
  });
  return Promise.all(
    names.map(async (name) => {
      const { version } = JSON.parse(await readFile(join(packages, 'node_modules', name, 'package.json'), 'utf8'));
      return `${name} ${version}`;
    }),
  );
}

/** The ticket that a tool's answer names, in a client's request. */
export function filedIn(text: string): { url: string; identifier: string } | null {
  const [url, identifier] = /board:\/\/(BOARD-\d+)/.exec(text) ?? [];
  return url === undefined || identifier === undefined ? null : { url, identifier };
}

/** What the scripted coding model answers to one client, in whatever turn it is; `hasCalled`: it has called the tool before. */
export function answerAs(client: LiveClient, asked: Asked, hasCalled: boolean): Answer {
  const report = reports[client];
  // What clients ask beside: titles, warm-ups.
  if (!asked.text.includes(firstWords) || !asked.text.includes(report.words)) return { text: 'A title' };
  const filed = filedIn(asked.text);
  if (filed !== null) return { text: filed.url };
  if (hasCalled) return { text: 'The tool answered without a URL.' };
  return driven[client].call(asked, capturedOf(report));
}

export interface Ended {
  code: number | null;
  said: string;
  /** From Enter to the URL on the person's screen; null: none came. */
  urlAfterMs: number | null;
  url: string | null;
}

/** One command, from the person's Enter until the client has ended. */
export async function typeInto(client: LiveClient, at: Surroundings): Promise<Ended> {
  const words = `"${reports[client].words}" --assign`;
  const { args, env } = await driven[client].start(at, words);
  const began = performance.now();
  const child = spawn(join(at.packages, 'node_modules', '.bin', client), args, {
    cwd: at.clone,
    env: { ...at.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(60_000),
    killSignal: 'SIGKILL',
  });
  const ended: Ended = { code: null, said: '', urlAfterMs: null, url: null };
  let printed = '';
  const hear = (from: 'stdout' | 'stderr') => (chunk: Buffer) => {
    ended.said += chunk;
    if (from === 'stderr' || ended.url !== null) return;
    printed += chunk;
    ended.url = filedIn(printed)?.url ?? null;
    if (ended.url !== null) ended.urlAfterMs = performance.now() - began;
  };
  child.stdout.on('data', hear('stdout'));
  child.stderr.on('data', hear('stderr'));
  ended.code = await new Promise((resolve) => {
    child.on('error', (error) => (ended.said += error.message));
    child.on('close', resolve);
  });
  return ended;
}
