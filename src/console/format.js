// Figures as people read them. All pure.

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const DURATIONS = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000]];
const GROUPED = new Intl.NumberFormat('en-GB');

/** 12345 as 12,345; nothing as a dash. */
export function count(value) {
  return value === null || value === undefined ? '–' : GROUPED.format(value);
}

/** Bytes in units of 1,024. */
export function bytes(value) {
  if (value === null || value === undefined) return '–';
  let [scaled, unit] = [value, 0];
  while (scaled >= 1024 && unit < BYTE_UNITS.length - 1) [scaled, unit] = [scaled / 1024, unit + 1];
  return `${unit === 0 ? scaled : significant(scaled)} ${BYTE_UNITS[unit]}`;
}

/** A rate or an amount with about three digits. */
export function significant(value) {
  if (value >= 100 || Number.isInteger(value)) return GROUPED.format(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Seconds of a latency, in the unit that fits. */
export function latency(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  return seconds < 1 ? `${significant(seconds * 1000)} ms` : `${significant(seconds)} s`;
}

/** A fraction as per cent. */
export function percent(fraction) {
  if (fraction > 0 && fraction < 0.0005) return '< 0.1 %';
  return `${(fraction * 100).toFixed(fraction >= 0.9995 || fraction === 0 ? 0 : 1)} %`;
}

/** A time to live of so many ms; `null` never ends. */
export function left(ms) {
  if (ms === null || ms === undefined) return 'never';
  if (ms <= 0) return 'expired';
  for (const [unit, size] of DURATIONS) {
    if (ms >= 2 * size) return `${Math.floor(ms / size)} ${unit}`;
  }
  return `${Math.ceil(ms / 1000)} s`;
}

/** A point in time, ms since 1970, to the second, in the reader's zone. */
export function moment(ms) {
  if (!ms) return '–';
  const at = new Date(ms);
  const two = (part) => String(part).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${clock(ms)}`;
}

/** Its time of day. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB', { hour12: false });
}

/** `1, 2 and 3`. */
export function list(items) {
  if (items.length === 0) return 'none';
  return items.length === 1 ? String(items[0]) : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** What people call a group, within a sentence. */
export function groupName(id) {
  return id === 0 ? 'the meta group (0)' : `group ${id}`;
}
