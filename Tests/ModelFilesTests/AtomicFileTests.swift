import FixtureFiles
import Glibc
import ModelFiles
import Testing

@Suite("Files that appear whole or not at all")
struct AtomicFileTests {
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    static func text(_ path: String) throws -> String {
        String(decoding: try MappedFile(path: path).copy(), as: UTF8.self)
    }

    static func folder(holding files: [String: String]) throws -> ScratchFolder {
        let folder = ScratchFolder()
        for (name, text) in files { try AtomicFile.write(Array(text.utf8), to: folder.file(name)) }
        return folder
    }

    @Test("a file is written, replaced, and leaves nothing beside it")
    func write() throws {
        let folder = ScratchFolder()
        try AtomicFile.write(Array("one".utf8), to: folder.file("f"), permissions: 0o600)
        var status = stat()
        #expect(stat(folder.file("f"), &status) == 0 && status.st_mode & 0o777 == 0o600)
        try AtomicFile.write(Array("two".utf8), to: folder.file("f"))
        #expect(try Self.text(folder.file("f")) == "two")
        #expect(Self.names(in: folder.path) == ["f"])
    }

    @Test("a mapping made before a replacement keeps the old bytes")
    func mappedWhileReplaced() throws {
        let folder = try Self.folder(holding: ["f": "old"])
        let mapped = try MappedFile(path: folder.file("f"))
        try AtomicFile.write(Array("newer".utf8), to: folder.file("f"))
        #expect(mapped.copy() == Array("old".utf8))
    }

    @Test("a failure names the path and leaves nothing behind")
    func failures() throws {
        let folder = ScratchFolder()
        #expect {
            try AtomicFile.write([1], to: folder.file("missing/f"))
        } throws: { "\($0)".contains("missing") && "\($0)".hasSuffix("No such file or directory") }
        // The rename fails after the bytes were written: a folder has the name.
        mkdir(folder.file("taken"), 0o755)
        #expect(throws: FileError.self) { try AtomicFile.write([1], to: folder.file("taken")) }
        #expect(Self.names(in: folder.path) == ["taken"])
    }

    @Test("a write that fails half-way leaves the old file and nothing beside it")
    func fullDisk() async throws {
        // A file-size limit stops write(2) in the middle as a full disk does; it holds for a process, so in a child.
        await #expect(processExitsWith: .success) {
            let folder = ScratchFolder()
            try AtomicFile.write([7], to: folder.file("f"))
            try AtomicFile.replaceDirectory(at: folder.file("adapter"), with: [("a", [1])])
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1000, rlim_max: 1000)
            precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let large = [UInt8](repeating: 1, count: 3000)
            #expect {
                try AtomicFile.write(large, to: folder.file("f"))
            } throws: { ($0 as? FileError)?.code == EFBIG }
            #expect(throws: FileError.self) {
                try AtomicFile.replaceDirectory(at: folder.file("adapter"), with: [("a", [2]), ("b", large)])
            }
            #expect(try MappedFile(path: folder.file("f")).copy() == [7])
            #expect(try MappedFile(path: folder.file("adapter/a")).copy() == [1])
            #expect(AtomicFileTests.names(in: folder.path) == ["adapter", "f"])
            #expect(AtomicFileTests.names(in: folder.file("adapter")) == ["a"])
        }
    }

    @Test("a folder is created and replaced whole; other files in it are kept")
    func replaceDirectory() throws {
        let folder = ScratchFolder()
        let target = folder.file("adapter")
        try AtomicFile.replaceDirectory(at: target, with: [("a", [1]), ("b", [2])])
        #expect(Self.names(in: target) == ["a", "b"])
        try AtomicFile.write(Array("mine".utf8), to: target + "/README.md")
        try AtomicFile.replaceDirectory(at: target + "/", with: [("a", [3]), ("c", [])])
        #expect(Self.names(in: target) == ["README.md", "a", "b", "c"])
        #expect(try MappedFile(path: target + "/a").copy() == [3])
        #expect(try Self.text(target + "/README.md") == "mine")
        #expect(Self.names(in: folder.path) == ["adapter"])
    }

    @Test("a symbolic link to a folder stays a link")
    func symbolicLink() throws {
        let folder = ScratchFolder()
        mkdir(folder.file("real"), 0o755)
        symlink(folder.file("real"), folder.file("link"))
        try AtomicFile.replaceDirectory(at: folder.file("link"), with: [("a", [1])])
        #expect(Self.names(in: folder.file("real")) == ["a"])
        #expect(Self.names(in: folder.path) == ["link", "real"])
    }

    @Test("a folder that holds folders, and a file in the folder's place, are refused untouched")
    func mistakenTarget() throws {
        let folder = try Self.folder(holding: ["file": "x"])
        mkdir(folder.file("home"), 0o755)
        mkdir(folder.file("home/pictures"), 0o755)
        #expect(throws: FileError.self) {
            try AtomicFile.replaceDirectory(at: folder.file("home"), with: [("a", [1])])
        }
        #expect(throws: FileError.self) {
            try AtomicFile.replaceDirectory(at: folder.file("file"), with: [("a", [1])])
        }
        #expect(Self.names(in: folder.path) == ["file", "home"])
        #expect(Self.names(in: folder.file("home")) == ["pictures"])
        #expect(try Self.text(folder.file("file")) == "x")
    }

    @Test("a reader never finds a mix of two versions")
    func neverMixed() async throws {
        let folder = ScratchFolder()
        let target = folder.file("adapter")
        try AtomicFile.replaceDirectory(at: target, with: [("a", [0]), ("b", [0])])
        let writer = Task.detached {
            for version in UInt8(1)...100 {
                try AtomicFile.replaceDirectory(at: target, with: [("a", [version]), ("b", [version])])
            }
        }
        var read = 0
        while read < 2000 {
            // A reader that must not see a mix holds the folder itself open, not its name.
            let descriptor = open(target, O_RDONLY | O_DIRECTORY)
            #expect(descriptor >= 0)
            let bytes = ["a", "b"].compactMap { name -> UInt8? in
                let file = openat(descriptor, name, O_RDONLY)
                guard file >= 0 else { return nil }  // Removed meanwhile, as a whole version.
                defer { close(file) }
                var byte: UInt8 = 255
                return Glibc.read(file, &byte, 1) == 1 ? byte : nil
            }
            if bytes.count == 2 { #expect(bytes[0] == bytes[1]) }
            close(descriptor)
            read += 1
        }
        try await writer.value
        #expect(Self.names(in: folder.path) == ["adapter"])
    }
}
