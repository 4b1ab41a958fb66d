/** SQLSTATEs after which the same work may succeed: lost or refused connections, full server, idle too long, lock trouble. */
const passing = /^(08...|25P03|53...|57P0[1-5]|40001|40P01|55P03)$/;
const system = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH']);
/** What pg says, without any code, of a connection that broke or could not be had. */
const said = /connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/i;

/** Whether PostgreSQL was not there for us, as opposed to having refused what we asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === 'connect') return true; // of whatever kind: a socket file that is gone, too
  if (typeof code === 'string') return passing.test(code) || system.has(code);
  return said.test(error.message);
}
