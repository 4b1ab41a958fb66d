import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRoom, type Room, whyNoBubblewrap } from './support.ts';

const uid = 12345;
const reason =
  process.getuid?.() === 0
    ? await whyNoBubblewrap()
    : 'only root can become another user; the other tests run as this one';
const asUser = (...args: string[]): [string, ...string[]] => [
  ...(['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'] as [string, ...string[]]),
  ...args,
];

describe.skipIf(reason !== null)(`bubblewrap for a service that is not root ${reason ?? ''}`, () => {
  let room: Room;
  beforeAll(async () => {
    room = await makeRoom({ uid, gid: uid });
  });
  afterAll(() => room?.remove());

  it('separates as much in a user namespace', async () => {
    const report = await room.report(asUser());
    expect(report.error).toBeUndefined();
    expect(report.checks.filter((check) => check.status === 'missing')).toEqual([]);
    expect(report.checks.filter((check) => check.message.startsWith('Blocked')).length).toBeGreaterThanOrEqual(6);
    expect(report.owner).toEqual({ uid, gid: uid });
    const none = '0000000000000000';
    expect(report.status).toBe(`${uid}\nCapEff:\t${none}\nCapBnd:\t${none}\nNoNewPrivs:\t1\n`);
    expect(report.written).toBe(`${uid}\n`);
    expect(report).toMatchObject({ ended: 'done\n', killed: 'timeout', left: [], reached: 'reached\n' });
  });

  it('says what is wrong where user namespaces are switched off, and does not run without', async () => {
    // The switch is per user namespace: in one of its own, nobody else notices.
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --ambient-caps=-all --inh-caps=-all "$@"';
    const inNamespace = ['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c', script, 'sh'];
    const report = await room.report(asUser(...inNamespace));
    const [check] = report.checks;
    expect(check).toMatchObject({
      status: 'missing',
      message: expect.stringContaining('user.max_user_namespaces is 0'),
    });
    expect(check?.remedy).toContain('sysctl');
    expect(report.error).toContain('did not start');
  });
});
