import { access, readFile } from 'node:fs/promises';
import type { Check } from '../../core/check.ts';

const name = 'sandbox';

/** Why bubblewrap did not start, and what to do about it, from what it said and how this machine is set up. */
export async function explainFailure(error: unknown, owner: { uid: number }): Promise<Check> {
  const said = error instanceof Error ? error.message : String(error);
  const missing = (message: string, remedy: string): Check => ({ name, status: 'missing', message, remedy });

  if (said.includes('is not installed'))
    return missing(
      said,
      'Debian, Ubuntu: apt-get install bubblewrap util-linux. Fedora: dnf install bubblewrap. Alpine: apk add bubblewrap setpriv.',
    );

  const inContainer = await isContainer();
  if (/mount proc/i.test(said))
    return missing(
      `bubblewrap cannot mount a /proc of its own, because parts of this one are covered: ${said}`,
      'A container engine covers parts of /proc, and the kernel then allows no fresh one. Start the container with `security_opt: [systempaths=unconfined]` (docker run --security-opt systempaths=unconfined); compose.yaml has it.',
    );
  if (/user ?namespace|creating new namespace|uid map|gid map|No permissions to creat/i.test(said)) {
    const off = await switchedOff();
    if (off)
      return missing(
        `This kernel does not let unprivileged users make user namespaces (${off.setting}): ${said}`,
        off.remedy,
      );
    return missing(
      `bubblewrap may not make namespaces here: ${said}`,
      inContainer
        ? "The container engine's seccomp or AppArmor profile forbids it. Start the container with `security_opt: [seccomp=unconfined, apparmor=unconfined, systempaths=unconfined]`; compose.yaml has them with the reasons."
        : 'Run `bwrap --unshare-user --ro-bind / / true` as the user of the service, and ask whoever runs this machine what forbids it.',
    );
  }
  if (/setpriv/.test(said))
    return missing(
      `The privileges of root could not be given up: ${said}`,
      `User ${owner.uid} (sandbox.uid) must exist in this user namespace (cat /proc/self/uid_map); or run the service as an ordinary user.`,
    );
  return missing(
    `Commands cannot be run in bubblewrap: ${said}`,
    inContainer
      ? 'Compare the options of this container with compose.yaml: it lists what bubblewrap needs, with the reasons.'
      : 'Run `bwrap --unshare-all --ro-bind / / true` as the user of the service: it names what is missing.',
  );
}

/** The switches by which distributions turn user namespaces off. */
async function switchedOff(): Promise<{ setting: string; remedy: string } | null> {
  const switches = [
    ['user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=15000'],
    ['kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
    [
      'kernel/apparmor_restrict_unprivileged_userns',
      '1',
      'Give bwrap an AppArmor profile that allows `userns` (Ubuntu: apt-get install apparmor-profiles, then the profile bwrap-userns-restrict), or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    ],
  ] as const;
  for (const [file, bad, remedy] of switches) {
    const value = (await readFile(`/proc/sys/${file}`, 'utf8').catch(() => '')).trim();
    if (value === bad) return { setting: `${file.replace('/', '.')} is ${bad}`, remedy };
  }
  return null;
}

async function isContainer(): Promise<boolean> {
  for (const mark of ['/.dockerenv', '/run/.containerenv'])
    if (
      await access(mark).then(
        () => true,
        () => false,
      )
    )
      return true;
  return false;
}
