/** Packs files into an archive (tar, as POSIX has it) without reading them into memory. */

const blockBytes = 512;

/** `files` by the names that they are to have: plain ASCII, at most 100 characters. */
export function tarOf(files: ReadonlyMap<string, Blob>): Blob {
  const parts: BlobPart[] = [];
  for (const [name, file] of files) {
    parts.push(headerOf(name, file.size), file, zeros((blockBytes - (file.size % blockBytes)) % blockBytes));
  }
  return new Blob([...parts, zeros(2 * blockBytes)], { type: "application/x-tar" });
}

/*
 *   0      100   108   116   124    136     148       156   257       263
 *   | name | mode | uid | gid | size | mtime | checksum | "0" | "ustar\0" | "00" | zeros |
 */
function headerOf(name: string, numBytes: number): Uint8Array<ArrayBuffer> {
  const header = zeros(blockBytes);
  const write = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
  write(0, name);
  write(100, "0000644\0");
  write(108, "0000000\0");
  write(116, "0000000\0");
  write(124, `${octal(numBytes, 11)}\0`);
  write(136, `${octal(0, 11)}\0`);
  write(148, "        "); // as it counts in its own sum
  write(156, "0");
  write(257, "ustar\0" + "00");
  write(
    148,
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
  );
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function zeros(numBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(numBytes);
}
