import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { announce } from '../hooks/announce.ts';
import { Button, IconButton } from './Button.tsx';

type CopyButtonProps = {
  readonly text: string;
  /** What is copied, read out: “Copy address”. */
  readonly label: string;
  /** Shows the label instead of only the sign. */
  readonly isNamed?: boolean;
};

/** Copies a text, and says that it did. */
export function CopyButton({ text, label, isNamed = false }: CopyButtonProps) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announce('Copied.');
    } catch {
      announce('This browser did not allow copying. Select the text instead.');
    }
  };
  const Sign = isCopied ? Check : Copy;
  const sign = <Sign size={18} strokeWidth={1.75} aria-hidden="true" />;
  if (isNamed) {
    return (
      <Button icon={sign} onClick={copy}>
        {isCopied ? 'Copied' : label}
      </Button>
    );
  }
  return (
    <IconButton label={label} onClick={copy}>
      {sign}
    </IconButton>
  );
}
