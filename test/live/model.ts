import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { anthropic } from '../stand-ins/model-server/anthropic.ts';
import { chat } from '../stand-ins/model-server/chat.ts';
import { gemini } from '../stand-ins/model-server/gemini.ts';
import { responses } from '../stand-ins/model-server/responses.ts';
import type { Json, PlayedReply, Wire } from '../stand-ins/model-server/wire.ts';

const wires: Wire[] = [anthropic, responses, chat, gemini];

/** What one request of a client says, as far as this model looks. */
export interface Asked {
  path: string;
  body: Json;
  /** All of it, as it came. */
  text: string;
  at: number;
}

export interface ScriptedModel {
  url: string;
  asked: Asked[];
  close(): Promise<void>;
}

export interface Answer {
  text?: string;
  calls?: { name: string; input: Json; namespace?: string }[];
}

/**
 * A model on loopback that answers what `decide` says, in whichever of four wire formats it is spoken to. It takes requests as
 * real clients send them, where the stand-in of the tests refuses what our own would not send.
 */
export async function startScriptedModel(decide: (asked: Asked) => Answer): Promise<ScriptedModel> {
  const asked: Asked[] = [];
  let turn = 0;

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse) {
    const text = (await buffer(incoming)).toString('utf8');
    const url = new URL(incoming.url ?? '/', 'http://loopback');
    const wire = wires.find((one) => one.matches(url.pathname));
    if (!wire || incoming.method !== 'POST') return outgoing.writeHead(404).end('{}');
    const body = JSON.parse(text) as Json;
    const one = { path: url.pathname, body, text, at: performance.now() };
    asked.push(one);
    turn += 1;
    const { text: said = '', calls = [] } = decide(one);
    const reply: PlayedReply = {
      ...plain,
      text: said,
      calls: calls.map(({ name, input }, index) => ({
        id: `call_${turn}_${index}`,
        name,
        inputText: JSON.stringify(input),
      })),
    };
    const frames = wire.frames(reply, { url, headers: incoming.headers, body }, turn);
    const namespaces = new Map<string, string>(
      calls.flatMap((call) => (call.namespace ? [[call.name, call.namespace] as const] : [])),
    );
    outgoing.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    return outgoing.end(frames.map((frame) => forCodex(frame, namespaces)).join(''));
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error) => outgoing.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Codex knows the tools of MCP servers by two names, and its own search for tools is an item of its own kind. */
function forCodex(frame: string, namespaces: Map<string, string>): string {
  if (!frame.includes('"function_call"')) return frame;
  const begin = frame.indexOf('{');
  const told = JSON.parse(frame.slice(begin), (_key, value) => {
    if (value?.type !== 'function_call') return value;
    if (value.name === 'tool_search')
      return {
        ...value,
        type: 'tool_search_call',
        execution: 'client',
        arguments: JSON.parse(value.arguments || '{}'),
      };
    return namespaces.has(value.name) ? { ...value, namespace: namespaces.get(value.name) } : value;
  });
  return `${frame.slice(0, begin)}${JSON.stringify(told)}\n\n`;
}

const plain: PlayedReply = {
  type: 'reply',
  text: '',
  thinking: null,
  calls: [],
  usage: { input: 100, output: 10, cacheRead: 0, cacheWrite: 0 },
  delayMs: 0,
  until: null,
  cut: false,
};
