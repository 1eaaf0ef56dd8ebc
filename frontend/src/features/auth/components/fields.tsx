/** What forms about an account ask for, named so that password managers know it. */

import { PasswordInput, type PasswordInputProps, TextInput, type TextInputProps } from "@mantine/core";

interface Text {
  value: string;
  onChange: (value: string) => void;
}

type Field<Props> = Omit<Props, keyof Text> & Text;

export function AddressField({ onChange, ...props }: Field<TextInputProps>) {
  return (
    <TextInput
      label="E-mail address"
      type="email"
      name="email"
      autoComplete="username"
      onChange={(event) => onChange(event.currentTarget.value)}
      required
      withAsterisk={false}
      {...props}
    />
  );
}

interface PasswordProps extends Field<PasswordInputProps> {
  autoComplete: "current-password" | "new-password";
}

export function PasswordField({ onChange, ...props }: PasswordProps) {
  return (
    <PasswordInput
      label="Password"
      visibilityToggleButtonProps={{ "aria-label": "Show what is typed" }}
      onChange={(event) => onChange(event.currentTarget.value)}
      required
      withAsterisk={false}
      {...props}
    />
  );
}

/** Of the second factor. */
export function CodeField({ onChange, ...props }: Field<TextInputProps>) {
  return (
    <TextInput
      label="Code"
      description="From your authenticator app, or one of your recovery codes."
      autoComplete="one-time-code"
      onChange={(event) => onChange(event.currentTarget.value)}
      required
      withAsterisk={false}
      {...props}
    />
  );
}
