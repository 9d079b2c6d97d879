/** The sign of the house: a seal whose ring is a chain of strokes. */
export function Mark({ size }: { readonly size: number }) {
  return (
    <svg viewBox="0 0 64 64" width={size} height={size} aria-hidden="true" focusable="false">
      <g fill="none" stroke="currentColor" strokeWidth="2.4">
        <circle cx="32" cy="32" r="29" />
        <circle cx="32" cy="32" r="22.5" strokeWidth="5" strokeDasharray="2.2 2.512" />
      </g>
      <path d="M20 22h24v5.4h-9.2V46h-5.6V27.4H20z" fill="currentColor" />
    </svg>
  );
}
