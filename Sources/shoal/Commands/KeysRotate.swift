import ArgumentParser
import Coordinator
import Federation
import Glibc
import ModelFiles
import Transport
import Wire

/// Replaces the coordinator's key pair, with a time in which workers learn the next one.
struct KeysRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Replace the coordinator's key, with an overlap.",
        discussion: """
            Begins with a new pair that the running coordinator announces to its workers; everybody goes on with the \
            present key, old and new join files alike. The same command again says who has not heard of it yet. Then stop \
            the coordinator, end the overlap with --finish and start it again: workers that know the new key follow by \
            themselves; one that does not needs a new join file (shoal keys invite --enrolled).
            """)

    @OptionGroup var state: Keys.StateOption

    @Flag(help: "End the overlap: the new key takes the old one's place. The coordinator must not be running.")
    var finish = false

    @Flag(help: "With --finish: although workers have not heard of the new key.")
    var force = false

    @Flag(help: "Give the rotation up; the present key stays.")
    var cancel = false

    func validate() throws {
        if finish, cancel { throw ValidationError("give either --finish or --cancel") }
        if force, !finish { throw ValidationError("--force goes with --finish") }
    }

    func run() throws {
        try usingInput {
            let path = state.state
            guard access(CoordinatorKeys.path(in: path), F_OK) == 0 else {
                throw CommandFailure.badInput("\(path) has no coordinator's key to replace; see shoal keys create")
            }
            // A crash may have come between the new key's taking over and the end of its announcement.
            if let rotation = KeyRotation.read(in: path),
                try CoordinatorKeys.readOrCreate(in: path).publicKey == rotation.nextKey
            {
                try KeyRotation.remove(in: path)
            }
            let rotation = KeyRotation.read(in: path)
            switch (rotation, finish, cancel) {
            case (nil, true, _), (nil, _, true):
                throw CommandFailure.badInput(
                    "no rotation is under way; begin one with: shoal keys rotate --state '\(path)'")
            case (nil, false, false): try begin(path)
            case (let rotation?, true, _): try end(rotation, path)
            case (_?, _, true): try giveUp(path)
            case (let rotation?, false, false): try report(rotation, path)
            }
        }
    }

    private func begin(_ path: String) throws {
        // Of a rotation that was given up or never announced nobody has heard.
        let keys = try CurveKeyPair.generate()
        try KeyFile.write(keys, to: CoordinatorKeys.nextPath(in: path))
        try KeyRotation(nextKey: keys.publicKey, begunAt: WallClock.unixSeconds()).write(in: path)
        Console.output("next coordinator public key \(keys.publicKey.z85)")
        Console.output(
            "workers learn it while the coordinator runs; see who has with: shoal keys rotate --state '\(path)'")
    }

    private func report(_ rotation: KeyRotation, _ path: String) throws {
        let (known, missing) = try workers(rotation, path)
        Console.output(
            "rotating since \(CalendarTime.text(rotation.begunAt)) to \(rotation.nextKey.z85): "
                + "\(known.count) of \(known.count + missing.count) workers know the new key")
        for worker in missing { Console.output("  \(worker) does not know it yet") }
        Console.output("finish with: shoal keys rotate --state '\(path)' --finish (the coordinator stopped)")
    }

    private func end(_ rotation: KeyRotation, _ path: String) throws {
        // Nobody may start on the old key meanwhile.
        let directory = try StateDirectory(path: path)
        defer { withExtendedLifetime(directory) {} }
        let (_, missing) = try workers(rotation, path)
        guard missing.isEmpty || force else {
            let names = missing.prefix(10).map(\.text).joined(separator: ", ") + (missing.count > 10 ? ", …" : "")
            throw CommandFailure.badInput(
                "\(missing.count) workers have not heard of the new key: \(names); start the coordinator and let them "
                    + "connect, or add --force and give them new join files (shoal keys invite --enrolled)")
        }
        let next = try KeyFile.read(CoordinatorKeys.nextPath(in: path))
        guard next.publicKey == rotation.nextKey else {
            throw CommandFailure.badInput(
                "\(CoordinatorKeys.nextPath(in: path)) is not the key that was announced; restore it, or start over with "
                    + "--cancel")
        }
        guard rename(CoordinatorKeys.nextPath(in: path), CoordinatorKeys.path(in: path)) == 0 else {
            throw FileError.lastRename(CoordinatorKeys.path(in: path))
        }
        try KeyRotation.remove(in: path)
        Console.output("coordinator public key \(next.publicKey.z85); the old one is gone")
        for worker in missing { Console.output("  \(worker) needs a new join file: shoal keys invite --enrolled") }
    }

    private func giveUp(_ path: String) throws {
        try KeyRotation.remove(in: path)
        unlink(CoordinatorKeys.nextPath(in: path))
        Console.output("the rotation was given up; the present key stays")
    }

    private func workers(
        _ rotation: KeyRotation, _ path: String
    ) throws -> (known: [WorkerName], missing: [WorkerName]) {
        let known = rotation.knownWorkers(in: path)
        let enrolled = try state.ledger().enrolledWorkers()
        return (enrolled.filter(known.contains), enrolled.filter { !known.contains($0) })
    }
}

extension FileError {
    fileprivate static func lastRename(_ path: String) -> FileError {
        FileError(operation: "replace", path: path, code: errno)
    }
}
