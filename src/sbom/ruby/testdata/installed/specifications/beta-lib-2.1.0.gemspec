# -*- encoding: utf-8 -*-
# stub: beta-lib 2.1.0 ruby lib

Gem::Specification.new do |s|
  s.name = "beta-lib".freeze
  s.version = "2.1.0"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.require_paths = ["lib".freeze]
  s.authors = ["A. Person".freeze, "B".freeze]
  s.date = "2026-11-29"
  s.email = ["a@person.example".freeze]
  s.homepage = "https://beta-lib.example/".freeze
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.3.15".freeze
  s.summary = "s".freeze

  s.installed_by_version = "3.3.15" if s.respond_to? :installed_by_version
end
