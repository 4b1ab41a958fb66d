/** A line that a stack trace or a compiler names. `path` as it stands there. */
export interface Frame {
  path: string;
  line: number;
}

const most = 60;

/** `a/b.ts:3:5`, `File "a/b.py", line 3`, `a/b.cs(3,5)`, `a/b.php on line 3`; of Java, below. Bounded, so linear in time. */
const named =
  /(?:file:\/\/)?((?:[A-Za-z]:)?[\w@.~+$[\]/\\-]{1,400}\.[A-Za-z]\w{0,7})(?::|\(|", line | on line )(\d{1,7})\b/g;

/** `at com.acme.shop.Cart.total(Cart.java:42)` */
const java =
  /\bat (?:[\w.$@-]{1,100}\/)?((?:\w{1,100}\.){1,20})[\w$<>]{1,200}\((\w{1,200}\.(?:java|kt|scala|groovy)):(\d{1,7})\)/;

/** The innermost first. `output` is clean and cut. */
export function framesIn(output: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of output.split('\n')) {
    const inJava = java.exec(line);
    if (inJava) {
      const folders = (inJava[1] ?? '').split('.').slice(0, -2); // the last is the class
      frames.push({ path: [...folders, inJava[2]].join('/'), line: Number(inJava[3]) });
    } else {
      for (const [, path = '', number] of line.slice(0, 2_000).matchAll(named))
        frames.push({ path: path.replaceAll('\\', '/'), line: Number(number) });
    }
  }
  if (output.includes('Traceback (most recent call last)')) frames.reverse();
  return frames.slice(0, most);
}
