import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, test } from 'vitest';
import { readTicketFile } from '../../src/cli/ticket-file.ts';
import type { Config } from '../../src/config.ts';
import { type ModelServer, startModelServer } from '../stand-ins/model-server/server.ts';
import { demoDir, startTestService } from '../support/service.ts';

const secrets = ['sk-model-key-that-is-secret', 'board-secret-that-is-secret'] as const;

/**
 * A model of each wire format, and what the environment says of its server. `wrapping` is what the format itself puts around
 * our fourteen tools beyond the others.
 */
const formats = [
  {
    model: 'anthropic:claude-sonnet-5-5',
    path: '/v1/messages',
    env: (url: string) => ({ ANTHROPIC_BASE_URL: url }),
    wrapping: 0,
  },
  {
    model: 'openai:gpt-6.1-sol',
    path: '/v1/responses',
    env: (url: string) => ({ OPENAI_BASE_URL: `${url}/v1` }),
    wrapping: 300,
  },
  {
    model: 'openai-compatible:qwen3-coder',
    path: '/v1/chat/completions',
    env: (url: string) => ({ OPENAI_BASE_URL: `${url}/v1` }),
    wrapping: 200,
  },
  { model: 'gemini:gemini-4-argon', path: /^\/v1beta\/models\/gemini-4-argon:/, env: () => ({}), wrapping: 0 },
];

describe('the demo, over the wire', () => {
  test.for(formats)(
    '$model: a ticket becomes a proved pull request',
    async ({ model, path, env, wrapping }, { expect }) => {
      const [key, webhookSecret] = secrets;
      // What a command in the sandbox can see of our environment is in the next request: nothing.
      const script = (await readFile(join(demoDir, 'script.yaml'), 'utf8')).replace(
        'command: npm test',
        'command: env; npm test',
      );
      const server = await startModelServer({ script, key });
      const service = await startTestService({
        env: {
          ...env(server.url),
          ANTHROPIC_API_KEY: key,
          OPENAI_API_KEY: key,
          GEMINI_API_KEY: key,
          BOARD_WEBHOOK_SECRET: webhookSecret,
        },
        change: (config) => ({ ...config, model, models: withGemini(config, server) }),
      });
      try {
        const view = await service.work(await readTicketFile(join(demoDir, 'ticket.md')));

        expect(view.activities.at(-1)?.activity).toMatchObject({ type: 'response' });
        expect(view.state).toBe('complete');
        expect(view.runs.map(({ outcome, attempts }) => [outcome?.proof, attempts])).toEqual([['proved', 1]]);
        expect(view.unsent).toEqual([]);
        expect(await service.git('log', '--format=%s', `main..${view.branch}`)).toBe(
          'BOARD-1: Read fractions in durations',
        );
        expect(view.usage.calls).toBe(5);

        const requests = server.requests.map(({ body }) => body);
        expect(requests).toHaveLength(5);
        for (const { path: asked } of server.requests) expect(asked).toMatch(path);
        for (const body of requests) for (const secret of service.config.secrets) expect(body).not.toContain(secret);
        expect(service.config.secrets).toEqual(expect.arrayContaining([...secrets]));
        expect(requests[3]).toContain('HOME='); // what `env` said

        expect(requests[0]).toContain('git_blame-range');
        const bytes = Buffer.byteLength(requests[0] ?? '');
        console.log(`first request of ${model}: ${bytes} bytes`);
        expect(bytes).toBeLessThan(8 * 1024 + wrapping);
        if (model.startsWith('anthropic:')) {
          const { system, tools } = JSON.parse(requests[0] ?? '') as Json;
          const builtIn = tools.filter(({ name }) => !name.startsWith('git_'));
          expect(builtIn.map(({ name }) => name)).toEqual(
            expect.arrayContaining(['bash', 'read', 'edit', 'write', 'update_plan', 'note', 'ask', 'finish']),
          );
          const tokens = encode(system.map(({ text }) => text).join('') + JSON.stringify(builtIn)).length;
          console.log(`system prompt, with what the repository says of itself, and built-in tools: ${tokens} tokens`);
          expect(tokens).toBeLessThanOrEqual(1_300);
        }
        const bodies = requests.map((body) => splitBody(JSON.parse(body)));
        for (const [index, { rest, history }] of bodies.entries()) {
          const before = bodies[index - 1];
          if (!before) continue;
          expect(rest).toBe(before.rest);
          expect(history.slice(0, before.history.length)).toEqual(before.history);
          expect(history.length).toBeGreaterThan(before.history.length);
        }
      } finally {
        await service.stop();
        await server.close();
      }
    },
  );
});

interface Json {
  system: { text: string }[];
  tools: { name: string }[];
}

/** Gemini's address has no variable. */
function withGemini(config: Config, server: ModelServer): Config['models'] {
  return { ...config.models, gemini: { ...config.models.gemini, baseUrl: `${server.url}/v1beta` } };
}

/** The history by its parts, and all else; cache marks move, and are no part of either. */
function splitBody(body: Record<string, unknown>): { rest: string; history: string[] } {
  const { messages, input, contents, ...rest } = body;
  const history = (messages ?? input ?? contents) as Record<string, unknown>[];
  const parts = history.flatMap(({ content, parts: pieces, ...message }): unknown[] => {
    const list = content ?? pieces;
    return Array.isArray(list) ? list.map((part) => ({ ...message, part })) : [{ ...message, content }];
  });
  const bare = (value: unknown) =>
    JSON.stringify(value, (name, inner) => (name === 'cache_control' ? undefined : inner));
  return { rest: bare(rest), history: parts.map(bare) };
}
