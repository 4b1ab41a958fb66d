/** What git's server answered to a push, with reasons of our own for the refs that its hook refused. */
export function refuseInReport(answer: Buffer, reasons: Map<string, string>): Buffer {
  const others: Buffer[] = [];
  const report: Buffer[] = [];
  for (const packet of packetsIn(answer)) {
    if (packet[0] === 1) report.push(packet.subarray(1));
    else others.push(framed(packet));
  }
  const lines = packetsIn(Buffer.concat(report)).map((packet) => {
    const line = packet.toString().replace(/\n$/, '');
    const ref = /^ng (\S+) /.exec(line)?.[1];
    const reason = ref === undefined ? undefined : reasons.get(ref);
    return framed(Buffer.from(`${reason === undefined ? line : `ng ${ref} ${reason}`}\n`));
  });
  const inner = Buffer.concat([Buffer.from([1]), ...lines, Buffer.from('0000')]);
  return Buffer.concat([...others, framed(inner), Buffer.from('0000')]);
}

/** Of lines that each begin with their length; what only parts them is left out. */
function packetsIn(bytes: Buffer): Buffer[] {
  const packets: Buffer[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = Number.parseInt(bytes.subarray(at, at + 4).toString(), 16);
    if (length > 4) packets.push(bytes.subarray(at + 4, at + length));
    at += Math.max(length, 4);
  }
  return packets;
}

function framed(packet: Buffer): Buffer {
  return Buffer.concat([Buffer.from((packet.length + 4).toString(16).padStart(4, '0')), packet]);
}
