/** Rows as aligned columns under their titles; a cell's control characters are shown, not obeyed. */
export function table(titles: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = titles.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(titles.map((title) => title.toUpperCase())), ...cells.map(line)].join('\n');
}

const MAX_WIDTH = 60;

function cell(value: unknown): string {
  const text = value === undefined || value === null || value === '' ? '-' : Array.isArray(value) ? value.join(', ') || '-' : String(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  const shown = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·');
  return shown.length > MAX_WIDTH ? `${shown.slice(0, MAX_WIDTH - 1)}…` : shown;
}
