import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createPlayer } from '../../../src/models/scripted/player.ts';
import { parseScript, readScript, type Script } from '../../../src/models/scripted/script.ts';
import { waitForTurn } from '../../../src/models/scripted/wait.ts';
import { anthropic } from './anthropic.ts';
import { chat } from './chat.ts';
import { gemini } from './gemini.ts';
import { responses } from './responses.ts';
import type { PlayedReply, Wire, WireRequest } from './wire.ts';

const wires: Wire[] = [anthropic, responses, chat, gemini];

export interface ModelServerOptions {
  /** A script's YAML text, `{ file }`, or the script itself, of which what is still to come may be changed. */
  script: string | { file: string } | Script;
  /** Requests with another key are answered 401; any key will do without it. */
  key?: string;
  /** How a cut stream ends: the connection breaks, or the body just ends too early. */
  cutBy?: 'reset' | 'end';
  /** Header of failures: `Retry-After` in seconds unless this writes it in another way. */
  retryAfterHeader?(seconds: number): Record<string, string>;
  /** Failures come as an event in a reply that has begun, under status 200. */
  failMidway?: true;
  /** Called when a request has come in whole. */
  onRequest?(request: RecordedRequest): void;
}

export interface RecordedRequest {
  path: string;
  headers: IncomingHttpHeaders;
  /** The bytes as they came. */
  body: string;
  status: number;
  /** `performance.now()` when its first line was read. */
  at: number;
  /** Whether the client went away before the answer had ended. Settles when it has. */
  ended: Promise<'finished' | 'aborted'>;
}

export interface ModelServer {
  /** Without a version: the stand-in serves `/v1/...` and `/v1beta/...` below it. */
  url: string;
  requests: RecordedRequest[];
  close(): Promise<void>;
}

/** A vendor on loopback: plays a script in whichever of the four wire formats it is spoken to, and refuses what the vendor would. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { script: source } = options;
  const name = typeof source !== 'string' && 'file' in source ? source.file : 'the script';
  const script =
    typeof source === 'string' ? parseScript(source, name) : 'file' in source ? readScript(source.file) : source;
  const player = createPlayer(script, name);
  const requests: RecordedRequest[] = [];
  const stopping = new AbortController();

  const server = createServer(async (incoming, outgoing) => {
    const at = performance.now();
    const ended = new Promise<'finished' | 'aborted'>((resolve) =>
      outgoing.on('close', () => resolve(outgoing.writableFinished ? 'finished' : 'aborted')),
    );
    const body = (await buffer(incoming)).toString('utf8');
    const url = new URL(incoming.url ?? '/', 'http://loopback');
    const recorded: RecordedRequest = { path: url.pathname, headers: incoming.headers, body, status: 200, at, ended };
    requests.push(recorded);
    options.onRequest?.(recorded);
    const wire = wires.find((one) => one.matches(url.pathname));
    const gone = new AbortController();
    ended.then(() => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    if (!wire || incoming.method !== 'POST')
      return sendJson(outgoing, recorded, 404, { error: { message: 'Not Found' } });
    await answer(wire, { url, headers: incoming.headers, body: JSON.parse(body) }, recorded, outgoing, signal).catch(
      (error) => {
        if (!signal.aborted) sendJson(outgoing, recorded, 400, wire.errorBody(400, (error as Error).message));
      },
    );
  });

  async function answer(
    wire: Wire,
    request: WireRequest,
    recorded: RecordedRequest,
    to: ServerResponse,
    signal: AbortSignal,
  ) {
    const key = wire.keyOf(request.headers);
    if (options.key !== undefined && key !== options.key)
      return sendJson(to, recorded, 401, wire.errorBody(401, `invalid API key ${key ?? '(none)'}`));
    const asked = wire.read(request);
    const play = player.play(asked);
    if (play.type === 'failure') {
      await waitForTurn(play, name, signal);
      if (options.failMidway) {
        to.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const frame of wire.frames(unfinished, request, 0).slice(0, -3)) to.write(frame);
        return to.end(wire.errorFrame(play.status, play.message));
      }
      const seconds = play.retryAfterS;
      const headers =
        seconds === null ? {} : (options.retryAfterHeader?.(seconds) ?? { 'retry-after': String(seconds) });
      return sendJson(to, recorded, play.status, wire.errorBody(play.status, play.message), headers);
    }
    const frames = wire.frames(play, request, asked.messages.filter((message) => message.role === 'assistant').length);
    to.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    to.write(frames[0]);
    await waitForTurn(play, name, signal);
    const whole = play.cut ? frames.slice(1, Math.ceil(frames.length / 2)) : frames.slice(1);
    for (const frame of whole) to.write(frame);
    if (!play.cut || options.cutBy === 'end') to.end();
    else to.write('', () => to.destroy());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      stopping.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendJson(
  to: ServerResponse,
  recorded: RecordedRequest,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  recorded.status = status;
  to.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const unfinished: PlayedReply = {
  type: 'reply',
  text: 'This reply is going to fail.',
  thinking: null,
  calls: [],
  usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
  delayMs: 0,
  until: null,
  cut: false,
};
