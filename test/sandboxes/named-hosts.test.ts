import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowOnly, lookUpOuter, splitHost } from '../../src/sandboxes/allowed-hosts.ts';
import type { Sandbox } from '../../src/sandboxes/sandbox.ts';
import { processesWith, run, text, uniqueSeconds, withDefaults } from '../contracts/sandbox.ts';
import { createTestDriver, whyNoBubblewrap } from './support.ts';

const reason = await whyNoBubblewrap();

describe('the hosts that are allowed', () => {
  it('are compared in one spelling, and with their ports', () => {
    const isAllowed = allowOnly(['Preview.Example.COM', 'bücher.example:8443', '127.1:81', '[0:0::1]:82']);
    const asked: [string, boolean][] = [
      ...([
        ['preview.example.com:443', true],
        ['preview.example.com.:80', true],
        ['PREVIEW.example.com:443', true],
      ] as const),
      ...([
        ['preview.example.com:8080', false],
        ['a.preview.example.com:443', false],
      ] as const),
      ...([
        ['xn--bcher-kva.example:8443', true],
        ['bücher.example:443', false],
      ] as const),
      ...([
        ['0x7f.0.0.1:81', true],
        ['2130706433:81', true],
        ['127.0.0.2:81', false],
        ['[::1]:82', true],
      ] as const),
    ].map(([host, is]) => [host, is]);
    for (const [asks, is] of asked) {
      const { host, port } = splitHost(asks) ?? { host: '', port: null };
      expect(isAllowed(host, port ?? 0), asks).toBe(is);
    }
    for (const entry of ['*.example.com', '*', '', 'http://a', 'a/b', 'a@b', 'a:0', 'a:99999', 'a b', 'a\\b', '::1'])
      expect(() => allowOnly([entry]), entry).toThrow('exact name');
  });

  it('lead to no inner address', async () => {
    const answer = (name: string) =>
      new Promise((resolve) => lookUpOuter(name, { all: true }, (error, found) => resolve(error?.message ?? found)));
    expect(await answer('localhost')).toBe('localhost leads to an address of an inner network');
    // Written as addresses, they are looked up without a name server.
    const inner = [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.0.1',
      '169.254.169.254',
      '100.100.100.200',
      '0.0.0.0',
      '224.0.0.1',
    ];
    const inner6 = ['::1', '::', 'fd00:ec2::254', 'fe80::1', '::ffff:10.0.0.1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::'];
    for (const address of [...inner, ...inner6]) expect(await answer(address), address).toMatch('inner network');
    for (const address of ['93.184.216.34', '172.32.0.1', '2606:4700::1111'])
      expect(await answer(address)).toMatchObject([{ address }]);
  });
});

describe.skipIf(reason !== null)(`what a command that may reach one host gets at ${reason ?? ''}`, () => {
  let dir: string;
  let sandbox: Sandbox;
  let listed: string;
  let other: string;
  const servers: Server[] = [];
  const heard: IncomingMessage[] = [];

  beforeAll(async () => {
    // Deeper than the path of a socket may be long.
    dir = await mkdtemp(join(tmpdir(), 'sandbox-hosts-'));
    const tempDir = join(dir, 'd'.repeat(100));
    await mkdir(tempDir);
    other = await serve((_, response) => response.end('other'));
    listed = await serve((request, response) => {
      heard.push(request);
      if (request.url === '/away') response.writeHead(302, { location: `http://${other}/` }).end();
      else request.pipe(response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }));
    });
    const hosts = [listed, `localhost:${listed.split(':')[1]}`];
    sandbox = await createTestDriver('bubblewrap', { tempDir }).open({
      ...{ mounts: [], env: { NODE_OPTIONS: '--no-such-option' }, cwd: '/tmp', network: { hosts } },
    });
  });

  async function serve(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  afterAll(async () => {
    await sandbox?.close();
    for (const server of servers) server.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('is that host, in the ways that programs use', async () => {
    const body = 'x'.repeat(300_000);
    const { stdout } = await sandbox.exec(
      [
        'sh',
        '-c',
        `cat > body; curl -sS -X PUT -H 'Host: evil' -T body http://${listed}/a?b=c | cmp - body && echo same
curl -sS -p http://${listed} -d tunnel -w ' %{http_code}\\n' -D - | grep -v -e Date -e '^HTTP/1.1 200 Conn'`,
      ],
      withDefaults({ stdin: body }),
    );
    expect(text(stdout)).toContain('same\n');
    expect(text(stdout).replaceAll('\r', '')).toMatch(/set-cookie: a=1\nset-cookie: b=2\n[\s\S]*tunnel 200\n/);
    expect(heard.map(({ url, headers }) => [url, headers.host])).toEqual([
      ['/a?b=c', listed],
      ['/', listed],
    ]);
  });

  it('is nothing else, however it is asked for', async () => {
    const port = listed.split(':')[1] ?? '';
    const urls = {
      otherPort: `http://${other}/`,
      redirect: `http://${listed}/away`,
      otherHost: 'http://example.com/',
      metadata: 'http://169.254.169.254/latest/meta-data/',
      // Its name is listed, and leads to this machine.
      innerName: `http://localhost:${port}/`,
      user: `http://${listed}@example.com/`,
    };
    const curls = Object.entries(urls).flatMap(([name, url]) => [
      `echo "${name} $(curl -sSL --noproxy '' -o /dev/null -w '%{http_code}' '${url}' 2>&1)"`,
      `echo "${name} tunnel $(curl -sSLp --noproxy '' -o /dev/null -w '%{http_code} %{http_connect}' '${url}' 2>&1 | tail -1)"`,
    ]);
    const { stdout } = await run(
      sandbox,
      `unset NODE_OPTIONS; ${curls.join('\n')}
curl -sS --noproxy '*' http://${listed}/ 2>&1 | sed 's/.*: //'
curl -sS http://127.0.0.1:3128/ -o /dev/null -w 'itself %{http_code}\\n'`,
    );
    const script = `const { connect } = require('net');
const tell = (name) => (error) => console.log(name, error.code);
connect(80, '192.0.2.1').on('error', tell('direct'));
require('dns').lookup('example.com', tell('name'));
connect('\\0shipmate-hosts-${process.pid}').on('error', tell('abstract'));
const udp = require('dgram').createSocket('udp4');
udp.send('x', 53, '192.0.2.1', (error) => { tell('datagram')(error); udp.close(); });`;
    const abstract = createSocketServer((socket) => socket.end());
    await once(abstract.listen(`\0shipmate-hosts-${process.pid}`), 'listening');
    const direct = await sandbox.exec(['node', '-e', script], withDefaults({ env: { NODE_OPTIONS: '' } }));
    abstract.close();
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 12)).toEqual([
      ...['otherPort 403', expect.stringMatching(/otherPort tunnel .*403/)],
      ...['redirect 403', expect.stringMatching(/redirect tunnel .*403/)],
      ...['otherHost 403', expect.stringMatching(/otherHost tunnel .*403/)],
      ...['metadata 403', expect.stringMatching(/metadata tunnel .*403/)],
      ...['innerName 502', expect.stringMatching(/innerName tunnel .*502/)],
      ...['user 403', expect.stringMatching(/user tunnel .*403/)],
    ]);
    expect(lines.slice(12, 14)).toEqual([expect.stringMatching(/Could.*connect|refused/i), 'itself 403']);
    expect(text(direct.stdout).trim().split('\n').sort()).toEqual([
      'abstract ECONNREFUSED',
      'datagram ENETUNREACH',
      expect.stringMatching(/^direct E(NET|HOST)UNREACH$/),
      expect.stringMatching(/^name E(AI_AGAIN|NOTFOUND)$/),
    ]);
  });

  it('is refused to what speaks no proper HTTP, and to more than so many at once', async () => {
    const script = `
const { connect } = require('net');
const ask = (text) => new Promise((resolve) => { const s = connect(3128, '127.0.0.1', () => s.write(text)); let said = '';
  s.on('data', (d) => { said += d; }).on('error', () => {}).on('close', () => resolve(said.split(' ')[1] ?? 'closed')); setTimeout(() => s.destroy(), 5000).unref(); });
(async () => {
  console.log(await ask('CONNECT ${listed}/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'), await ask('CONNECT ${listed.split(':')[0]} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'),
    await ask('GET https://${listed}/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'), await ask('SSH-2.0-x\\r\\n\\r\\n'));
  const many = Array.from({ length: 200 }, () => connect(3128, '127.0.0.1').on('error', () => {}));
  let closed = 0;
  for (const s of many) s.on('close', () => { if (++closed === 72) { console.log('bounded'); process.exit(); } }).resume();
})();`;
    const { stdout } = await run(sandbox, `unset NODE_OPTIONS; node -e "$SCRIPT"`, { env: { SCRIPT: script } });
    expect(stdout).toBe('403 403 403 closed\nbounded\n');
  });

  it('is gone with the sandbox, and with it what went through', async () => {
    const waiting = createSocketServer();
    const arrived = once(waiting, 'connection');
    await once(waiting.listen(0, '127.0.0.1'), 'listening');
    const tempDir = join(dir, 'closing');
    await mkdir(tempDir);
    const host = `127.0.0.1:${(waiting.address() as { port: number }).port}`;
    const network = { hosts: [host] };
    const closing = await createTestDriver('bubblewrap', { tempDir }).open({
      mounts: [],
      env: {},
      cwd: '/tmp',
      network,
    });
    const seconds = uniqueSeconds();
    const command = run(closing, `sleep ${seconds} & curl -s http://${host}`);
    const [socket] = await arrived;
    const ended = once(socket.resume(), 'close');
    await closing.close();
    await ended;
    expect(await command).toMatchObject({ killed: 'aborted' });
    expect([await processesWith(seconds), await readdir(tempDir)]).toEqual([[], []]);
    waiting.close();
  });
});
