import { join } from 'node:path';

/** Many processes are started and killed: what one of them has compiled, the next need not. For `NODE_COMPILE_CACHE`. */
export const compileCache = join(import.meta.dirname, '../../node_modules/.cache/compile');
