/** How long ago something was, in the fewest words: `now`, `12 s`, `4 min`, `3 h`, `2 d`. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** Time left, rounded as honest estimates are: `~40 s`, `~3 min`. */
export function formatEta(etaMs: number): string {
  const seconds = Math.ceil(etaMs / 1000);
  if (seconds < 90) return `~${Math.max(1, seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `~${minutes} min` : `~${Math.round(minutes / 60)} h`;
}

/** A duration between two steps: `0.4 s`, `12 s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 950) return `${Math.max(0, Math.round(durationMs))} ms`;
  if (durationMs < 10_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return formatAge(durationMs);
}

/** The clock time of today, or the date too if it was another day. */
export function formatClock(atMs: number, nowMs: number, locale?: string): string {
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return at.toLocaleString(
    locale,
    isToday
      ? { hour: '2-digit', minute: '2-digit' }
      : { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
  );
}

/** Full date and time with seconds, for detail pages. */
export function formatDateTime(atMs: number, locale?: string): string {
  return new Date(atMs).toLocaleString(locale, {
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
}

/** `Today`, `Yesterday`, or the date: the heading over entries of one day. */
export function formatDay(atMs: number, nowMs: number, locale?: string): string {
  const day = new Date(atMs).toDateString();
  if (day === new Date(nowMs).toDateString()) return 'Today';
  if (day === new Date(nowMs - 86_400_000).toDateString()) return 'Yesterday';
  return new Date(atMs).toLocaleDateString(locale, { dateStyle: 'long' });
}
