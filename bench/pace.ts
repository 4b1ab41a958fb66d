import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** What a sender answers at the end. `late` is how far behind its timetable it sent, at most: then the figures are its own fault. */
export interface SendReport {
  times: number[];
  refused: number;
  late: number;
}

/** Sends at fixed moments, however long the answers take. `sign` is called just before each. */
export async function sendAtPace(
  url: string,
  { perSecond, seconds }: { perSecond: number; seconds: number },
  sign: (index: number) => { headers: Record<string, string>; body: Uint8Array },
): Promise<SendReport> {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const times: number[] = [];
  let refused = 0;
  let late = 0;
  const start = performance.now();
  const sent: Promise<void>[] = [];
  const total = perSecond * seconds;
  for (let index = 0; index < total; index++) {
    const delivery = sign(index);
    const due = start + (index * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await delay(wait);
    const at = performance.now();
    late = Math.max(late, at - due);
    sent.push(
      post(agent, url, delivery.headers, delivery.body).then(
        (status) => {
          times.push(performance.now() - at);
          if (status !== 200) refused += 1;
        },
        () => {
          refused += 1;
        },
      ),
    );
  }
  await Promise.all(sent);
  return { times, refused, late };
}

function post(agent: Agent, url: string, headers: Record<string, string>, body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(body.byteLength) };
    const sending = request(url, { agent, method: 'POST', headers: { ...headers, ...length } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}
