import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";
import { readdirSync } from "node:fs";

const features = readdirSync(new URL("./src/features", import.meta.url));

/** Imports that the files must not have; each entry is a list of path patterns and the reason. */
const forbid = (...patterns) => ({ "no-restricted-imports": ["error", { patterns }] });
const noApp = { group: ["@/app/*"], message: "shared -> features -> app: only app may import app." };
const noFeatures = {
  group: ["@/features/*"],
  message: "shared -> features -> app: shared code knows no feature.",
};
const noTesting = { group: ["@/testing/*"], message: "src/testing is for tests alone." };
const noClimbing = {
  regex: "^\\.\\./\\.\\./",
  message: "Write @/... for what lies further away; relative paths stay inside a feature.",
};

export default tseslint.config(
  { ignores: ["dist", "src/api-types.gen.ts"] },
  tseslint.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      ...forbid(noClimbing, noTesting),
    },
  },
  { files: ["src/{lib,components}/**"], rules: forbid(noFeatures, noApp, noTesting, noClimbing) },
  ...features.map((feature) => ({
    files: [`src/features/${feature}/**`],
    rules: forbid(
      { group: ["@/features/*"], message: "No feature imports another: compose them in src/app." },
      noApp,
      noTesting,
      noClimbing,
    ),
  })),
  {
    files: ["src/features/*/*.{ts,tsx}"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [{ group: ["../*", "@/features/*", "@/app/*"], message: "No feature imports another." }],
        },
      ],
    },
  },
  { files: ["src/**/*.test.{ts,tsx}", "src/testing/**"], rules: { "no-restricted-imports": "off" } },
);
