/** Lines of text with aligned columns, the first line their titles. Columns of text are on the left, figures on the right. */
export function table(lines: string[][], textual: number[] = [0]): string {
  const widths = lines[0]!.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  const cellOf = (cell: string, n: number) =>
    textual.includes(n) ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!);
  return lines.map((line) => line.map(cellOf).join("  ").trimEnd()).join("\n");
}
