/**
 * `npm run android` and `npm run ios`: build a native project to something installable, an `.apk`
 * or an app for the simulator, if the required tools are installed; otherwise they say what is
 * missing. Stores require signed builds: open the project in Android Studio or Xcode for those.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';

const wanted = process.argv[2];
if (wanted === 'android') android();
else if (wanted === 'ios') ios();
else stop(`${wanted ?? 'nothing'} is no platform. Try android or ios`);

function android(): void {
  const sdk = androidSdk();
  if (!has('java'))
    stop('Java is not installed. Try a JDK 21, such as apt-get install openjdk-21-jdk, or Android Studio');
  const gradle = resolve('native/android', platform() === 'win32' ? 'gradlew.bat' : 'gradlew');
  run(gradle, ['assembleDebug'], 'native/android', { ANDROID_HOME: sdk });
  console.log('built native/android/app/build/outputs/apk/debug/app-debug.apk');
}

/**
 * The folder of the Android SDK: `ANDROID_HOME` if it is set, otherwise Android Studio's default.
 */
function androidSdk(): string {
  const { ANDROID_HOME: named = process.env.ANDROID_SDK_ROOT } = process.env;
  if (named && !existsSync(named))
    stop(
      `ANDROID_HOME names ${named}, which does not exist. Try the folder that Android Studio shows under SDK Manager`,
    );
  const usual = [join(homedir(), 'Android/Sdk'), join(homedir(), 'Library/Android/sdk')];
  const found = named || usual.find((folder) => existsSync(folder));
  return (
    found ?? stop('there is no Android SDK. Try installing Android Studio, or set ANDROID_HOME to an SDK that is there')
  );
}

function ios(): void {
  if (platform() !== 'darwin') stop('apps for iOS can only be built on macOS. Try this command on a Mac with Xcode');
  if (!has('xcodebuild')) stop('Xcode is not installed. Try installing it from the App Store');
  if (!has('pod')) stop('CocoaPods is not installed. Try brew install cocoapods, then this command again');
  const project = ['-workspace', 'App.xcworkspace', '-scheme', 'App', '-configuration', 'Debug'];
  const target = ['-sdk', 'iphonesimulator', '-derivedDataPath', 'build', 'CODE_SIGNING_ALLOWED=NO'];
  run('xcodebuild', [...project, ...target, 'build'], 'native/ios/App', {});
  console.log('built native/ios/App/build/Build/Products/Debug-iphonesimulator/App.app');
}

function has(program: string): boolean {
  return spawnSync(program, ['-version'], { stdio: 'ignore' }).error === undefined;
}

function run(program: string, args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) stop(`${program} failed${error ? `: ${error.message}` : ''}. Try what it says above`);
}

function stop(message: string): never {
  console.error(message);
  process.exit(1);
}
