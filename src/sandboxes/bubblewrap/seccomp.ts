/**
 * What a sandboxed process may not ask of the kernel, because namespaces do not cover it: the kernel's keyrings (they
 * belong to the login session, not to a namespace), user namespaces of its own (a door to much kernel code), bpf,
 * io_uring and the like, and socket families that reach past a network namespace (vsock speaks to the hypervisor).
 */
const machines = {
  x64: {
    audit: 0xc000003e,
    // The x32 variants of all system calls, which would slip past the numbers below.
    foreign: 0x40000000,
    socket: 41,
    makesProcesses: { clone: 56, unshare: 272 },
    refused: { add_key: 248, request_key: 249, keyctl: 250, perf_event_open: 298, bpf: 321, userfaultfd: 323 },
  },
  arm64: {
    audit: 0xc00000b7,
    foreign: 0xffffffff,
    socket: 198,
    makesProcesses: { clone: 220, unshare: 97 },
    refused: { add_key: 217, request_key: 218, keyctl: 219, perf_event_open: 241, bpf: 280, userfaultfd: 282 },
  },
};

const ioUring = [425, 426, 427];
const clone3 = 435;
const newUserNamespace = 0x10000000;
/** unix, inet, inet6, netlink. */
const socketFamilies = [1, 2, 10, 16];

const allow = 0x7fff0000;
const refuse = (errno: number) => 0x00050000 | errno;
const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

const load = (offset: number) => instruction(0x20, 0, 0, offset);
const answer = (value: number) => instruction(0x06, 0, 0, value);
const unlessEqual = (value: number, skip: number) => instruction(0x15, 0, skip, value);
const unlessAnyBit = (mask: number, skip: number) => instruction(0x45, 0, skip, mask);
const unlessAtLeast = (value: number, skip: number) => instruction(0x35, 0, skip, value);

/** The filter as a classic BPF program, or null on a machine whose system call numbers are not known here. */
export function seccompFilter(arch: string = process.arch): Uint8Array | null {
  if (arch !== 'x64' && arch !== 'arm64') return null;
  const machine = machines[arch];
  const number = 0;
  const architecture = 4;
  const firstArgument = 16;
  const whenCalled = (call: number, ...then: Buffer[]) => [unlessEqual(call, then.length), ...then];
  return Buffer.concat([
    load(architecture),
    // 32-bit programs have other numbers.
    instruction(0x15, 1, 0, machine.audit),
    answer(refuse(ENOSYS)),
    load(number),
    unlessAtLeast(machine.foreign, 1),
    answer(refuse(ENOSYS)),
    ...Object.values(machine.refused).flatMap((call) => whenCalled(call, answer(refuse(EPERM)))),
    // "There is no such call" makes libraries fall back; clone3 cannot be looked into from here.
    ...[...ioUring, clone3].flatMap((call) => whenCalled(call, answer(refuse(ENOSYS)))),
    ...Object.values(machine.makesProcesses).flatMap((call) =>
      whenCalled(call, load(firstArgument), unlessAnyBit(newUserNamespace, 1), answer(refuse(EPERM)), answer(allow)),
    ),
    ...whenCalled(
      machine.socket,
      load(firstArgument),
      ...socketFamilies.flatMap((family) => [unlessEqual(family, 1), answer(allow)]),
      answer(refuse(EAFNOSUPPORT)),
    ),
    answer(allow),
  ]);
}

function instruction(code: number, whenTrue: number, whenFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(whenTrue, 2);
  bytes.writeUInt8(whenFalse, 3);
  bytes.writeUInt32LE(value >>> 0, 4);
  return bytes;
}
