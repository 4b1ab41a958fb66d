// Preloaded into a worker: this machine's wall clock is set by CLOCK_FILE, in milliseconds from the true time.
import { readFileSync } from 'node:fs';

const TrueDate = Date;
const now = Date.now.bind(Date);

function shift() {
  try {
    return Number(readFileSync(process.env.CLOCK_FILE, 'utf8')) || 0;
  } catch {
    return 0;
  }
}

globalThis.Date = class extends TrueDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now() + shift()] : args));
  }
  static now() {
    return now() + shift();
  }
};
